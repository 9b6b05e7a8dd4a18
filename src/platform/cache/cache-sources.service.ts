import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { FieldError } from '../queue/job-payload';
import { CacheSource, MAX_DEADLINE_MS } from './cache-source';

/** No provider of this process has a source of that name; the message names those that exist. */
export class UnknownCacheSourceError extends Error {
  constructor(name: string, known: readonly string[]) {
    super(`There is no data source "${name.slice(0, 100)}": use ${known.join(', ')}.`);
    this.name = 'UnknownCacheSourceError';
  }
}

/** Every source of the running process. */
@Injectable()
export class CacheSources {
  private sources?: ReadonlyMap<string, CacheSource>;

  constructor(private readonly discovery: DiscoveryService) {}

  names(): string[] {
    return [...this.known().keys()];
  }

  /** Throws {@link UnknownCacheSourceError}. */
  get(name: string): CacheSource {
    const source = this.known().get(name);
    if (source === undefined) throw new UnknownCacheSourceError(name, this.names());
    return source;
  }

  /** What is wrong with the name of a source in a payload. */
  problemsOf(name: string): FieldError[] {
    if (this.known().has(name)) return [];
    const detail = `does not exist: use ${this.names().join(', ')}`;
    return [{ pointer: '/dataSource', detail, code: 'isIn' }];
  }

  private known(): ReadonlyMap<string, CacheSource> {
    this.sources ??= byName(
      this.discovery
        .getProviders()
        .map(({ instance }) => instance as unknown)
        .filter((instance): instance is CacheSource => instance instanceof CacheSource),
    );
    return this.sources;
  }
}

function byName(sources: readonly CacheSource[]): ReadonlyMap<string, CacheSource> {
  const found = new Map<string, CacheSource>();
  for (const source of sources.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    if (found.has(source.name)) {
      throw new Error(`Two cache sources are called "${source.name}": rename one of them.`);
    }
    if (source.deadlineMs > MAX_DEADLINE_MS) {
      throw new Error(
        `Cache source "${source.name}" may take ${MAX_DEADLINE_MS} ms at most: lower deadlineMs.`,
      );
    }
    found.set(source.name, source);
  }
  return found;
}
