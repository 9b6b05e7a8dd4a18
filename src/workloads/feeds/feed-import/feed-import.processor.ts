import { Processor } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import type { ImportItemPayload } from './feed-import.payload';
import { feedImportQueue } from './feed-import.queue';
import { FeedImportService } from './feed-import.service';

@Processor(feedImportQueue.name)
export class FeedImportProcessor extends JobConsumer<typeof feedImportQueue> {
  constructor(private readonly imports: FeedImportService) {
    super(feedImportQueue);
  }

  protected readonly handlers: JobHandlers<typeof feedImportQueue> = {
    'import-item': this.inBatches((jobs: readonly Job<ImportItemPayload>[], signal) =>
      this.imports.store(
        jobs.map((job) => ({
          ...job.data,
          tenant: originOf(job).tenant,
          isLastAttempt: job.attemptsMade + 1 >= (job.opts.attempts ?? 1),
        })),
        signal,
      ),
    ),
  };
}
