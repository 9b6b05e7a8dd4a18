import { Injectable, Optional } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Settings } from '../../config/settings';
import { MemoryWatch } from '../memory/memory-watch.service';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { RedisUnavailableError } from '../redis/redis-unavailable.error';
import { packed, unpacked, type CacheEntry, type PackedEntry } from './cache-entry';
import { KEEP, RELEASE, RENEW } from './cache-scripts';

// A Redis that is frozen must cost a reader less than its source does.
const COMMAND_DEADLINE_MS = 500;
/** Whoever computes a value renews its lock four times as often: after a kill others wait for this long. */
export const LOCK_MS = 2_000;
const MAX_ENTRIES_PER_TENANT = 10_000;
// Its name in two indexes, and what Redis keeps about each key.
const ENTRY_OVERHEAD_BYTES = 500;

/** Whose value it is, of which source, under which name. */
export interface CacheAddress {
  readonly tenant: string;
  readonly source: string;
  readonly key: string;
}

export interface KeptEntry extends CacheEntry {
  /** By the clock of Redis; 0 or less for a value that is stale. */
  readonly freshForMs: number;
}

/** `superseded`: the lock ran out, and what was computed since is newer. */
export type Keeping = 'kept' | 'full' | 'superseded';

/**
 * The entries in Redis, below `<prefix>:holdfast:cache:`; on a Cluster, a tenant's lie together. Every method rejects
 * within half a second while Redis is away.
 */
@Injectable()
export class CacheStore {
  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
    @Optional() private readonly memory?: MemoryWatch,
  ) {}

  async read(address: CacheAddress): Promise<KeptEntry | undefined> {
    const { entry: key } = this.keysOf(address);
    const answers = await this.ask(() => this.connections.producer.multi().getBuffer(key).pttl(key).exec());
    const [[error, stored] = [null, null], [, leftMs] = [null, 0]] = answers ?? [];
    if (error !== null) throw error;
    const entry = stored === null ? undefined : await unpacked(stored as Buffer);
    return entry && { ...entry, freshForMs: Number(leftMs) - entry.staleMs };
  }

  /** Whether the token, which becomes the version of what is computed, got the lock, for {@link LOCK_MS}. */
  async lock(address: CacheAddress, token: string): Promise<boolean> {
    const { lock } = this.keysOf(address);
    return (await this.ask(() => this.connections.producer.set(lock, token, 'PX', LOCK_MS, 'NX'))) !== null;
  }

  async renew(address: CacheAddress, token: string): Promise<void> {
    const { lock } = this.keysOf(address);
    await this.ask(() => this.connections.producer.eval(RENEW, 1, lock, token, LOCK_MS));
  }

  /** Gives back a lock that is still the token's. Never rejects: the lock runs out anyway. */
  async unlock(address: CacheAddress, token: string): Promise<void> {
    const { lock } = this.keysOf(address);
    await this.ask(() => this.connections.producer.eval(RELEASE, 1, lock, token)).catch(() => undefined);
  }

  /** As {@link CacheStore.keep} stores it. Throws CacheValueError. */
  pack(json: string, version: string, ttlMs: number, staleMs: number): Promise<PackedEntry> {
    return packed(json, { version, ttlMs, staleMs });
  }

  /** Stores an entry and gives the lock back, if its version still has the lock and the tenant's budget room. */
  async keep(address: CacheAddress, { entry, stored }: PackedEntry): Promise<Keeping> {
    // Jobs come first: what is computed ahead is given up long before they are refused.
    if (this.memory !== undefined && this.memory.fullness() !== 'ok') return 'full';
    const keys = this.keysOf(address);
    const { version, ttlMs, staleMs } = entry;
    const script = [KEEP, 4, keys.entry, keys.lock, keys.ends, keys.sizes] as const;
    const sizes = [stored.length + ENTRY_OVERHEAD_BYTES, this.settings.CACHE_TENANT_BYTES] as const;
    return this.ask(
      () =>
        this.connections.producer.eval(
          ...script,
          version,
          stored,
          ttlMs + staleMs,
          keys.name,
          ...sizes,
          MAX_ENTRIES_PER_TENANT,
        ) as Promise<Keeping>,
    );
  }

  private keysOf({ tenant, source, key }: CacheAddress) {
    const base = platformKey(this.settings, `cache:{${digestOf(tenant)}}`);
    const name = digestOf(source, key);
    const entry = `${base}:${name}`;
    return { name, entry, lock: `${entry}:lock`, ends: `${base}:ends`, sizes: `${base}:sizes` };
  }

  private async ask<T>(command: () => Promise<T>): Promise<T> {
    this.connections.assertReady();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new RedisUnavailableError('Redis did not answer the cache in time.')),
        COMMAND_DEADLINE_MS,
      );
    });
    try {
      return await Promise.race([command(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

// Callers choose keys: none of their words gets into the name of a key in Redis.
function digestOf(...words: string[]): string {
  return createHash('sha256').update(words.join('\0')).digest('base64url').slice(0, 32);
}
