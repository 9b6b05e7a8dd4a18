import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { CLEANUP, type CleanupPayload } from './cleanup.payload';
import { cleanupQueue } from './cleanup.queue';

@Injectable()
export class CleanupProducer extends JobProducer<typeof cleanupQueue> {
  constructor(@InjectQueue(cleanupQueue.name) queue: Queue) {
    super(cleanupQueue, queue);
  }

  addCleanup(payload: CleanupPayload, options?: AddOptions) {
    return this.add(CLEANUP, payload, options);
  }
}
