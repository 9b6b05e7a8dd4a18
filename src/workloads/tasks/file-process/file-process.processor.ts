import { Processor } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { fileProcessQueue } from './file-process.queue';
import { FileProcessService, type FileProcessJob } from './file-process.service';

@Processor(fileProcessQueue.name)
export class FileProcessProcessor extends JobConsumer<typeof fileProcessQueue> {
  constructor(private readonly files: FileProcessService) {
    super(fileProcessQueue);
  }

  protected readonly handlers: JobHandlers<typeof fileProcessQueue> = {
    FILE_PROCESS: (job, signal) => this.files.process(job.data, handleOf(job), signal),
  };
}

function handleOf(job: Job): FileProcessJob {
  const { tenant, caller } = originOf(job);
  return {
    id: job.id ?? '',
    tenant,
    caller: caller ?? 'unknown',
    reportProgress: (percent) => job.updateProgress({ percent, stage: 'working' }),
  };
}
