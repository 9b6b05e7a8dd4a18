import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { isAway } from '../redis/redis-unavailable.error';
import { jsonOf, CacheValueError, type CacheFacts } from './cache-entry';
import { untilAborted } from './cache-flights';
import { CacheMetrics } from './cache-metrics.service';
import type { CacheSource } from './cache-source';
import { CacheStore, LOCK_MS, type CacheAddress, type Keeping, type KeptEntry } from './cache.store';

const LOOK_INTERVAL_MS = 25;
// So that what was computed at the same moment does not turn stale at the same moment.
const JITTER = 0.1;

/** The source took longer than its deadline, or another process did that computes the same. */
export class CacheDeadlineError extends Error {
  constructor(source: string, deadlineMs: number) {
    super(`Source "${source}" did not answer within ${deadlineMs} ms.`);
    this.name = 'CacheDeadlineError';
  }
}

/** A value to be computed, unless somebody else has done so. */
export interface CacheWish {
  readonly address: CacheAddress;
  readonly source: CacheSource;
  readonly ttlMs: number;
  /** Whether a value that lies there will do. */
  readonly isEnough: (entry: KeptEntry) => boolean;
}

/** A value, and what became of it. Without facts it was not stored, for the reason in `keeping`. */
export interface Computed {
  readonly json: string;
  readonly facts?: CacheFacts & { readonly bytes: number; readonly isCompressed: boolean };
  readonly keeping: Keeping | { readonly error: unknown };
}

/** Computes values, one process at a time for each. */
@Injectable()
export class CacheLoader {
  constructor(
    private readonly store: CacheStore,
    private readonly metrics: CacheMetrics,
  ) {}

  /**
   * Computes and stores a value, or waits for the one that another process computes, and takes over from one that died.
   * Where Redis goes away meanwhile, it computes all the same. Throws CacheDeadlineError, CacheValueError for what is
   * no JSON, the error of the source, or the signal's reason.
   */
  async compute(wish: CacheWish, signal: AbortSignal): Promise<Computed> {
    const token = randomBytes(16).toString('hex');
    try {
      const found = await this.lockOrFind(wish, token, signal);
      if (found !== undefined) return { json: found.json, facts: found, keeping: 'kept' };
    } catch (error) {
      if (!isAway(error)) throw error;
      return { json: await this.load(wish, signal), keeping: { error } };
    }
    return this.computeLocked(wish, token, signal);
  }

  /** Computes without a word to Redis. */
  async load({ address, source }: CacheWish, signal: AbortSignal): Promise<string> {
    const deadline = new AbortController();
    const late = () => deadline.abort(new CacheDeadlineError(source.name, source.deadlineMs));
    const timer = setTimeout(late, source.deadlineMs);
    const stop = AbortSignal.any([deadline.signal, signal]);
    try {
      const { tenant, key } = address;
      return jsonOf(await untilAborted(source.load({ tenant, key, signal: stop }), stop), source.name);
    } catch (error) {
      this.metrics.countLoad(source.name, 'failed');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private async lockOrFind(
    { address, source, isEnough }: CacheWish,
    token: string,
    signal: AbortSignal,
  ): Promise<KeptEntry | undefined> {
    const lastAt = performance.now() + source.deadlineMs;
    while (!(await this.store.lock(address, token))) {
      if (performance.now() > lastAt) throw new CacheDeadlineError(source.name, source.deadlineMs);
      await wait(LOOK_INTERVAL_MS, undefined, { signal });
      const entry = await this.store.read(address);
      if (entry !== undefined && isEnough(entry)) return entry;
    }
    return undefined;
  }

  private async computeLocked(wish: CacheWish, token: string, signal: AbortSignal): Promise<Computed> {
    const { address, source, isEnough } = wish;
    const renew = () => void this.store.renew(address, token).catch(() => undefined);
    const renewing = setInterval(renew, LOCK_MS / 4);
    try {
      // Somebody may have been done between the look and the lock.
      const entry = await this.store.read(address).catch(() => undefined);
      if (entry !== undefined && isEnough(entry)) return { json: entry.json, facts: entry, keeping: 'kept' };
      const computed = await this.keep(wish, token, await this.load(wish, signal));
      this.metrics.countLoad(source.name, computed.keeping === 'kept' ? 'kept' : 'unkept');
      return computed;
    } finally {
      clearInterval(renewing);
      await this.store.unlock(address, token);
    }
  }

  private async keep({ address, source, ttlMs }: CacheWish, token: string, json: string): Promise<Computed> {
    const freshMs = Math.round(ttlMs * (1 + JITTER * (2 * Math.random() - 1)));
    try {
      const packed = await this.store.pack(json, token, freshMs, source.staleMs ?? ttlMs);
      const keeping = await this.store.keep(address, packed);
      return keeping === 'kept' ? { json, facts: packed.entry, keeping } : { json, keeping };
    } catch (error) {
      if (!(isAway(error) || error instanceof CacheValueError)) throw error;
      return { json, keeping: { error } };
    }
  }
}
