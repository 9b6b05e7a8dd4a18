import { Injectable, Logger } from '@nestjs/common';
import { HOME_TENANT } from '../auth/permissions';
import { isAway } from '../redis/redis-unavailable.error';
import { CacheFlights } from './cache-flights';
import { CacheLoader, type CacheWish, type Computed } from './cache-loader.service';
import { CacheMetrics } from './cache-metrics.service';
import { CacheSources } from './cache-sources.service';
import { CacheStore, type CacheAddress, type KeptEntry } from './cache.store';

export const DEFAULT_TTL_MS = 300_000;
export const MAX_TTL_MS = 86_400_000;
const REST_AFTER_FAILURE_MS = 1_000;
const MAX_RESTING = 1_000;

export interface CacheOptions {
  /** How long a value that is computed now is fresh, give or take a tenth; at most a day. */
  readonly ttlMs?: number;
  readonly tenant?: string;
  readonly signal?: AbortSignal;
}

/** What a warmed value is like. */
export interface Warmed {
  /** Of its JSON. */
  readonly bytes: number;
  readonly isCompressed: boolean;
  /** For how long it is fresh from now. */
  readonly ttlMs: number;
}

/** There is no room for the value, or what it was computed for has been computed again since: later it may do. */
export class CacheNotKeptError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CacheNotKeptError';
  }
}

/** Values of declared sources, computed once for all processes and kept in Redis for a while. */
@Injectable()
export class Cache {
  private readonly logger = new Logger('Cache');
  private readonly flights = new CacheFlights<Computed>();
  private readonly resting = new Map<string, number>();

  constructor(
    private readonly store: CacheStore,
    private readonly sources: CacheSources,
    private readonly loader: CacheLoader,
    private readonly metrics: CacheMetrics,
  ) {}

  /**
   * The value of a source under a key: kept, stale while it is computed anew in the background, or computed now, by one
   * reader for all. While Redis is away each process computes it. Throws UnknownCacheSourceError, the error of the
   * source, CacheValueError for what is no JSON, or CacheDeadlineError.
   */
  async get(source: string, key: string, options: CacheOptions = {}): Promise<unknown> {
    const wish = this.wish(source, key, options, ({ freshForMs }) => freshForMs > 0);
    const name = nameOf('get', wish);
    let entry: KeptEntry | undefined;
    try {
      entry = await this.store.read(wish.address);
    } catch (error) {
      if (!isAway(error)) throw error;
      this.metrics.countRead(source, 'bypass');
      const load = async (signal: AbortSignal): Promise<Computed> => ({
        json: await this.loader.load(wish, signal),
        keeping: { error },
      });
      return valueOf(await this.flights.join(nameOf('bypass', wish), load, options.signal));
    }
    if (entry !== undefined) {
      const isFresh = wish.isEnough(entry);
      this.metrics.countRead(source, isFresh ? 'hit' : 'stale');
      if (!isFresh) this.refresh(name, wish);
      return valueOf(entry);
    }
    this.metrics.countRead(source, 'miss');
    const compute = (signal: AbortSignal) => this.loader.compute(wish, signal);
    return valueOf(await this.flights.join(name, compute, options.signal));
  }

  /**
   * Computes a value although one may lie there, and keeps it; one that somebody else computes meanwhile, to be fresh for
   * as long, will do. Throws as {@link Cache.get} does, CacheValueError also for what is too large, CacheNotKeptError,
   * and RedisUnavailableError.
   */
  async warm(source: string, key: string, options: CacheOptions = {}): Promise<Warmed> {
    // Fails here and not after the work while Redis is away.
    const { address } = this.wish(source, key, options, () => false);
    const before = (await this.store.read(address))?.version;
    const wish = this.wish(
      source,
      key,
      options,
      (entry) => entry.version !== before && lastsAsLong(entry, wish),
    );
    const compute = (signal: AbortSignal) => this.loader.compute(wish, signal);
    const computed = await this.flights.join(nameOf('warm', wish), compute, options.signal);
    return warmedOf(computed, source);
  }

  private wish(
    name: string,
    key: string,
    { tenant = HOME_TENANT, ttlMs = DEFAULT_TTL_MS }: CacheOptions,
    isEnough: CacheWish['isEnough'],
  ): CacheWish {
    const source = this.sources.get(name);
    if (!(ttlMs >= 1 && ttlMs <= MAX_TTL_MS)) throw new RangeError(`ttlMs must be 1 to ${MAX_TTL_MS}.`);
    return { address: { tenant, source: name, key }, source, ttlMs, isEnough };
  }

  private refresh(name: string, wish: CacheWish): void {
    if (this.flights.has(name) || (this.resting.get(name) ?? 0) > performance.now()) return;
    const refreshing = this.flights.join(name, (signal) => this.loader.compute(wish, signal));
    refreshing.then(
      () => this.resting.delete(name),
      (error: unknown) => this.rest(name, wish.address, error),
    );
  }

  /** A source that fails is not asked again with every read that can be answered without it. */
  private rest(name: string, { source }: CacheAddress, error: unknown): void {
    if (this.resting.size >= MAX_RESTING) this.resting.clear();
    this.resting.set(name, performance.now() + REST_AFTER_FAILURE_MS);
    this.logger.warn(`A value of source "${source}" stays stale: ${String(error).slice(0, 200)}`);
  }
}

function nameOf(what: 'get' | 'bypass' | 'warm', { address, ttlMs }: CacheWish): string {
  return JSON.stringify([what, address.tenant, address.source, address.key, what === 'warm' ? ttlMs : 0]);
}

// Each reader gets a copy: one that changes what it got changes nobody else's.
function valueOf({ json }: { readonly json: string }): unknown {
  return JSON.parse(json) as unknown;
}

/** Give or take a tenth each: both were shaken. */
function lastsAsLong({ ttlMs }: KeptEntry, wish: CacheWish): boolean {
  return Math.abs(ttlMs - wish.ttlMs) <= wish.ttlMs * 0.1;
}

function warmedOf({ facts, keeping }: Computed, source: string): Warmed {
  if (typeof keeping === 'object') throw keeping.error;
  if (facts === undefined) {
    throw new CacheNotKeptError(
      keeping === 'full'
        ? 'The cache has no room for the value: let values live shorter, raise CACHE_TENANT_BYTES, or give Redis more memory.'
        : `The process stood still while source "${source}" was asked; the value was computed elsewhere.`,
    );
  }
  return { bytes: facts.bytes, isCompressed: facts.isCompressed, ttlMs: facts.ttlMs };
}
