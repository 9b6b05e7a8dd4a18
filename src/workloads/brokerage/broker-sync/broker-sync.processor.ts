import { Processor } from '@nestjs/bullmq';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { SYNC_CONNECTION } from './broker-sync.payload';
import { brokerSyncQueue } from './broker-sync.queue';
import { BrokerSyncService } from './broker-sync.service';

@Processor(brokerSyncQueue.name)
export class BrokerSyncProcessor extends JobConsumer<typeof brokerSyncQueue> {
  constructor(private readonly work: BrokerSyncService) {
    super(brokerSyncQueue);
  }

  protected readonly handlers: JobHandlers<typeof brokerSyncQueue> = {
    [SYNC_CONNECTION]: (job, signal) => {
      const { tenant } = originOf(job);
      const report = (progress: object) => job.updateProgress(progress);
      return this.work.sync(job.data.connectionId, { id: job.id ?? '', tenant, report }, signal);
    },
  };
}
