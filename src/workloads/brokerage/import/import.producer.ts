import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { PROCESS_CSV, type ProcessCsvPayload } from './import.payload';
import { importQueue } from './import.queue';

@Injectable()
export class ImportProducer extends JobProducer<typeof importQueue> {
  constructor(@InjectQueue(importQueue.name) queue: Queue) {
    super(importQueue, queue);
  }

  addProcessCsv(payload: ProcessCsvPayload, options?: AddOptions) {
    return this.add(PROCESS_CSV, payload, options);
  }
}
