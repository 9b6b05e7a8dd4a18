import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { withPriority } from '../agent-queue';
import type { ErrorMonitorPayload } from './error-monitor.payload';
import { errorMonitorQueue } from './error-monitor.queue';

@Injectable()
export class ErrorMonitorProducer extends JobProducer<typeof errorMonitorQueue> {
  constructor(@InjectQueue(errorMonitorQueue.name) queue: Queue) {
    super(errorMonitorQueue, queue);
  }

  addErrorMonitorJob(data: ErrorMonitorPayload, options?: AddOptions) {
    return this.add('error-monitor-job', data, withPriority(data, options));
  }
}
