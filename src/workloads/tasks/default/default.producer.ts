import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { TEST_JOB_NAME, type TestJobData } from './default.payload';
import { defaultQueue } from './default.queue';

@Injectable()
export class DefaultProducer extends JobProducer<typeof defaultQueue> {
  constructor(@InjectQueue(defaultQueue.name) queue: Queue) {
    super(defaultQueue, queue);
  }

  addTestJob(payload: TestJobData, options?: AddOptions) {
    return this.add(TEST_JOB_NAME, payload, options);
  }
}
