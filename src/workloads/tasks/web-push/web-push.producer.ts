import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { SEND_WEB_PUSH, type WebPushPayload } from './web-push.payload';
import { webPushQueue } from './web-push.queue';

@Injectable()
export class WebPushProducer extends JobProducer<typeof webPushQueue> {
  constructor(@InjectQueue(webPushQueue.name) queue: Queue) {
    super(webPushQueue, queue);
  }

  sendWebPush(payload: WebPushPayload, options?: AddOptions) {
    return this.add(SEND_WEB_PUSH, payload, options);
  }
}
