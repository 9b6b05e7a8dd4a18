import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import type { EmailPayload } from './email.payload';
import { emailQueue } from './email.queue';

@Injectable()
export class EmailProducer extends JobProducer<typeof emailQueue> {
  constructor(@InjectQueue(emailQueue.name) queue: Queue) {
    super(emailQueue, queue);
  }

  sendEmail(payload: EmailPayload, options?: AddOptions) {
    return this.add('EMAIL_SEND', payload, options);
  }
}
