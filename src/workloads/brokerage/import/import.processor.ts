import { Processor } from '@nestjs/bullmq';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { PROCESS_CSV } from './import.payload';
import { importQueue } from './import.queue';
import { ImportService } from './import.service';

@Processor(importQueue.name)
export class ImportProcessor extends JobConsumer<typeof importQueue> {
  constructor(private readonly work: ImportService) {
    super(importQueue);
  }

  protected readonly handlers: JobHandlers<typeof importQueue> = {
    [PROCESS_CSV]: (job, signal) => {
      const { tenant } = originOf(job);
      const report = (progress: object) => job.updateProgress(progress);
      return this.work.run(job.data, { id: job.id ?? '', tenant, report }, signal);
    },
  };
}
