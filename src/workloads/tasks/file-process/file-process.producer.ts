import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import type { FileProcessPayload } from './file-process.payload';
import { fileProcessQueue } from './file-process.queue';

@Injectable()
export class FileProcessProducer extends JobProducer<typeof fileProcessQueue> {
  constructor(@InjectQueue(fileProcessQueue.name) queue: Queue) {
    super(fileProcessQueue, queue);
  }

  processFile(payload: FileProcessPayload, options?: AddOptions) {
    return this.add('FILE_PROCESS', payload, options);
  }
}
