import { Processor } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { DATA_EXPORT, type DataExportPayload } from './data-export.payload';
import { dataExportQueue } from './data-export.queue';
import { DataExportService, type DataExportResult } from './data-export.service';

@Processor(dataExportQueue.name)
export class DataExportProcessor extends JobConsumer<typeof dataExportQueue> {
  constructor(
    private readonly work: DataExportService,
    private readonly effects: Effects,
  ) {
    super(dataExportQueue);
  }

  protected readonly handlers: JobHandlers<typeof dataExportQueue> = {
    [DATA_EXPORT]: (job, signal) => this.export(job, signal),
  };

  private export(job: Job<DataExportPayload>, signal: AbortSignal): Promise<DataExportResult> {
    const { tenant, caller } = originOf(job);
    const asked = {
      id: job.id ?? '',
      tenant,
      caller: caller ?? 'local',
      createdAt: new Date(job.timestamp),
      report: (progress: object) => job.updateProgress(progress),
    };
    return this.effects
      .of(job, signal)
      .atLeastOnce('write-file', () => this.work.run(job.data, asked, signal));
  }
}
