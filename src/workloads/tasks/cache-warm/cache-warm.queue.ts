import { defineQueue } from '../../../platform/queue/define-queue';
import { CACHE_WARM, CacheWarmPayload } from './cache-warm.payload';

export const cacheWarmQueue = defineQueue({
  name: 'cache-warm',
  domain: 'tasks',
  description: 'Computes values before somebody asks for them.',
  jobs: {
    [CACHE_WARM]: {
      payload: CacheWarmPayload,
      description: 'Computes the value of a data source and keeps it in the cache for a while.',
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 1_000 },
      timeoutMs: 30_000,
      searchable: ['cacheKey', 'dataSource'],
    },
  },
  hasPriorities: true,
  worker: { concurrency: 5 },
});
