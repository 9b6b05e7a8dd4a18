import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import { Settings } from '../../../config/settings';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { checkPayloadsOf } from '../../../platform/queue/payload-checks';
import { USER_NOTIFICATION, wantsPush, type UserNotificationPayload } from './user-notification.payload';
import { userNotificationQueue } from './user-notification.queue';

@Injectable()
export class UserNotificationProducer extends JobProducer<typeof userNotificationQueue> {
  constructor(@InjectQueue(userNotificationQueue.name) queue: Queue, settings: Settings) {
    super(userNotificationQueue, queue);
    checkPayloadsOf(queue, USER_NOTIFICATION, (payload) => {
      const { channels } = payload as UserNotificationPayload;
      return settings.vapid === undefined && wantsPush(channels) ? [noPush] : [];
    });
  }

  /** Throws PayloadInvalidError also for the channel `push` where it is not set up. */
  addUserNotification(payload: UserNotificationPayload, options?: AddOptions) {
    return this.add(USER_NOTIFICATION, payload, options);
  }
}

const noPush = {
  pointer: '/channels',
  detail: 'push is not set up on this server: whoever runs it has to set VAPID_PUBLIC_KEY and its like',
  code: 'pushConfigured',
};
