import { Processor } from '@nestjs/bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { CACHE_WARM } from './cache-warm.payload';
import { cacheWarmQueue } from './cache-warm.queue';
import { CacheWarmService } from './cache-warm.service';

@Processor(cacheWarmQueue.name)
export class CacheWarmProcessor extends JobConsumer<typeof cacheWarmQueue> {
  constructor(
    private readonly work: CacheWarmService,
    private readonly effects: Effects,
  ) {
    super(cacheWarmQueue);
  }

  protected readonly handlers: JobHandlers<typeof cacheWarmQueue> = {
    [CACHE_WARM]: (job, signal) =>
      this.effects
        .of(job, signal)
        .atLeastOnce('warm', () => this.work.warm(job.data, originOf(job).tenant, signal)),
  };
}
