import { Processor } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { csvValidationQueue } from './csv-validation.queue';
import { CsvValidationService, type ValidationJob } from './csv-validation.service';

@Processor(csvValidationQueue.name)
export class CsvValidationProcessor extends JobConsumer<typeof csvValidationQueue> {
  constructor(private readonly validation: CsvValidationService) {
    super(csvValidationQueue);
  }

  protected readonly handlers: JobHandlers<typeof csvValidationQueue> = {
    'validate-file': (job, signal) => this.validation.run(job.data.validationRunId, handleOf(job), signal),
  };
}

function handleOf(job: Job): ValidationJob {
  return {
    isLastAttempt: job.attemptsMade + 1 >= (job.opts.attempts ?? 1),
    reportProgress: (progress) => job.updateProgress({ ...progress }),
  };
}
