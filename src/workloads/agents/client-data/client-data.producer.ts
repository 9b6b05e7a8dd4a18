import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { withPriority } from '../agent-queue';
import type { ClientDataPayload } from './client-data.payload';
import { clientDataQueue } from './client-data.queue';

@Injectable()
export class ClientDataProducer extends JobProducer<typeof clientDataQueue> {
  constructor(@InjectQueue(clientDataQueue.name) queue: Queue) {
    super(clientDataQueue, queue);
  }

  addClientDataJob(data: ClientDataPayload, options?: AddOptions) {
    return this.add('client-data-job', data, withPriority(data, options));
  }
}
