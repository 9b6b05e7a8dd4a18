import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { SYNC_CONNECTION, type SyncConnectionPayload } from './broker-sync.payload';
import { brokerSyncQueue } from './broker-sync.queue';

@Injectable()
export class BrokerSyncProducer extends JobProducer<typeof brokerSyncQueue> {
  constructor(@InjectQueue(brokerSyncQueue.name) queue: Queue) {
    super(brokerSyncQueue, queue);
  }

  addSync(payload: SyncConnectionPayload, options?: AddOptions) {
    return this.add(SYNC_CONNECTION, payload, options);
  }
}
