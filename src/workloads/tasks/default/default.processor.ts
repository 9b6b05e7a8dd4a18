import { Processor } from '@nestjs/bullmq';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { TEST_JOB_NAME } from './default.payload';
import { defaultQueue } from './default.queue';
import { DefaultService } from './default.service';

@Processor(defaultQueue.name)
export class DefaultProcessor extends JobConsumer<typeof defaultQueue> {
  constructor(private readonly work: DefaultService) {
    super(defaultQueue);
  }

  protected readonly handlers: JobHandlers<typeof defaultQueue> = {
    [TEST_JOB_NAME]: (job, signal) =>
      this.work.runTestJob(job.data, (percent) => job.updateProgress({ percent, stage: 'working' }), signal),
  };
}
