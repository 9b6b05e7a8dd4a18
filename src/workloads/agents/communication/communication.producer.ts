import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { withPriority } from '../agent-queue';
import type { CommunicationPayload } from './communication.payload';
import { communicationQueue } from './communication.queue';

@Injectable()
export class CommunicationProducer extends JobProducer<typeof communicationQueue> {
  constructor(@InjectQueue(communicationQueue.name) queue: Queue) {
    super(communicationQueue, queue);
  }

  addCommunicationJob(data: CommunicationPayload, options?: AddOptions) {
    return this.add('communication-job', data, withPriority(data, options));
  }
}
