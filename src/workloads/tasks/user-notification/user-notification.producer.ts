import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { USER_NOTIFICATION, type UserNotificationPayload } from './user-notification.payload';
import { userNotificationQueue } from './user-notification.queue';

@Injectable()
export class UserNotificationProducer extends JobProducer<typeof userNotificationQueue> {
  constructor(@InjectQueue(userNotificationQueue.name) queue: Queue) {
    super(userNotificationQueue, queue);
  }

  addUserNotification(payload: UserNotificationPayload, options?: AddOptions) {
    return this.add(USER_NOTIFICATION, payload, options);
  }
}
