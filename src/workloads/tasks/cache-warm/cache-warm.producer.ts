import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import { CacheSources } from '../../../platform/cache/cache-sources.service';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { checkPayloadsOf } from '../../../platform/queue/payload-checks';
import { CACHE_WARM, type CacheWarmPayload } from './cache-warm.payload';
import { cacheWarmQueue } from './cache-warm.queue';

@Injectable()
export class CacheWarmProducer extends JobProducer<typeof cacheWarmQueue> {
  constructor(@InjectQueue(cacheWarmQueue.name) queue: Queue, sources: CacheSources) {
    super(cacheWarmQueue, queue);
    checkPayloadsOf(queue, CACHE_WARM, (payload) =>
      sources.problemsOf((payload as CacheWarmPayload).dataSource),
    );
  }

  /** Throws PayloadInvalidError also for a source that does not exist. */
  addCacheWarm(payload: CacheWarmPayload, options?: AddOptions) {
    return this.add(CACHE_WARM, payload, options);
  }
}
