import { Injectable } from '@nestjs/common';
import { CacheValueError } from '../../../platform/cache/cache-entry';
import { UnknownCacheSourceError } from '../../../platform/cache/cache-sources.service';
import { Cache } from '../../../platform/cache/cache.service';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import type { CacheWarmPayload } from './cache-warm.payload';

const MS_PER_S = 1_000;

export interface CacheWarmResult {
  readonly cacheKey: string;
  /** Of the value's JSON. */
  readonly bytes: number;
  readonly compressed: boolean;
  /** How long the value is fresh: the `ttl` that was asked for, give or take a tenth. */
  readonly ttlMs: number;
  /** ISO 8601: when it is fresh no longer. */
  readonly expiresAt: string;
}

/** Computes the values of data sources before somebody asks for them. */
@Injectable()
export class CacheWarmService {
  constructor(private readonly cache: Cache) {}

  /** Throws HopelessJobError for a source that is not here or a value that cannot be kept, or the error of the source. */
  async warm(
    { cacheKey, dataSource, ttl }: CacheWarmPayload,
    tenant: string,
    signal: AbortSignal,
  ): Promise<CacheWarmResult> {
    const options = { tenant, signal, ...(typeof ttl === 'number' && { ttlMs: ttl * MS_PER_S }) };
    try {
      const { bytes, isCompressed, ttlMs } = await this.cache.warm(dataSource, cacheKey, options);
      const expiresAt = new Date(Date.now() + ttlMs).toISOString();
      return { cacheKey, bytes, compressed: isCompressed, ttlMs, expiresAt };
    } catch (error) {
      if (error instanceof CacheValueError || error instanceof UnknownCacheSourceError) {
        throw new HopelessJobError(error.message);
      }
      throw error;
    }
  }
}
