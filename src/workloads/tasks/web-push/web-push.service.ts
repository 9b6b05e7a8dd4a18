import { Injectable } from '@nestjs/common';
import { Settings } from '../../../config/settings';
import type { Vapid } from '../../../config/push-settings';
import { PushPutOffError, PushRefusedError } from '../../../integrations/web-push/push-outcome';
import { PushSender, type PushWish } from '../../../integrations/web-push/push-sender.service';
import type { JobEffects } from '../../../platform/effects/job-effects';
import { JobDeathError } from '../../../platform/queue/death-cause';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { JobReturnedError } from '../../../platform/queue/job-step';
import { SecretUnreadableError } from '../../../platform/secrets/secret-box';
import { Notifications } from '../notifications.store';
import type { Notification, NotificationType } from '../notifications.tables';
import { PushSubscriptions, type PushAddress } from '../push-subscriptions.store';
import type { PushSubscription } from '../push-subscriptions.tables';
import { pushMessage, type CutField } from './push-message';
import type { WebPushPayload } from './web-push.payload';

// Whoever comes a day later finds it in the list of notifications.
const TTL_SECONDS = 86_400;
// A service that puts a push off for longer is asked too often, or not meant for us: its attempts begin to count.
const MAX_POSTPONED_STARTS = 20;
const LEAST_WAIT_MS = 1_000;

const urgencies: Readonly<Record<NotificationType, PushWish['urgency']>> = {
  info: 'normal',
  success: 'normal',
  warning: 'normal',
  error: 'high',
};

export interface PushJob {
  readonly tenant: string;
  /** This one included. */
  readonly starts: number;
  readonly signal: AbortSignal;
  readonly effects: Pick<JobEffects, 'atLeastOnce'>;
}

export interface PushedNotification {
  /** `gone`: the browser does not take it any more. `withdrawn`: the notification is not there any more. */
  readonly outcome: 'sent' | 'gone' | 'withdrawn';
  /** The origin of the push service, and what it answered. */
  readonly service?: string;
  readonly status?: number;
  /** What did not fit in whole. */
  readonly truncated?: readonly CutField[];
}

@Injectable()
export class WebPushService {
  constructor(
    private readonly settings: Settings,
    private readonly notifications: Notifications,
    private readonly subscriptions: PushSubscriptions,
    private readonly sender: PushSender,
  ) {}

  /**
   * Gives a notification to the push service of a subscription. Throws HopelessJobError where no further try can help,
   * JobReturnedError where the service asks to wait, and an error worth a retry.
   */
  push({ notificationId, subscriptionId }: WebPushPayload, job: PushJob): Promise<PushedNotification> {
    return job.effects.atLeastOnce('send', async () => {
      const { vapid } = this.settings;
      if (vapid === undefined) {
        throw new HopelessJobError(
          'VAPID_PUBLIC_KEY and its like are not set: set them on the workers, then redrive the job.',
        );
      }
      const subscription = await this.subscriptions.find(subscriptionId, job.tenant);
      if (subscription === undefined) return { outcome: 'gone' };
      const notification = await this.notifications.find(notificationId, job.tenant);
      if (notification === undefined) return { outcome: 'withdrawn' };
      // Somebody else uses the browser by now.
      if (subscription.userId !== notification.userId) return { outcome: 'gone' };
      return this.send(notification, subscription, { vapid, job });
    });
  }

  private async send(
    notification: Notification,
    subscription: PushSubscription,
    { vapid, job }: { readonly vapid: Vapid; readonly job: PushJob },
  ): Promise<PushedNotification> {
    const { text, truncated } = pushMessage(notification);
    const wish = {
      text,
      ttlSeconds: TTL_SECONDS,
      urgency: urgencies[notification.type],
      // The same for every try, and for every browser of the user.
      topic: notification.id.slice(notification.id.indexOf('_') + 1),
      signal: job.signal,
    };
    try {
      const { outcome, status } = await this.sender.send(this.addressOf(subscription), wish, vapid);
      if (outcome === 'gone') await this.subscriptions.remove(subscription.id, job.tenant);
      return { outcome, service: subscription.service, status, truncated };
    } catch (error) {
      if (error instanceof PushRefusedError) throw new HopelessJobError(error.message);
      if (error instanceof PushPutOffError && error.retryAfterMs !== undefined) {
        const isPatient = job.starts < MAX_POSTPONED_STARTS;
        if (isPatient) throw new JobReturnedError(error.message, Math.max(error.retryAfterMs, LEAST_WAIT_MS));
      }
      throw error;
    }
  }

  private addressOf(subscription: PushSubscription): PushAddress {
    try {
      return this.subscriptions.addressOf(subscription);
    } catch (error) {
      if (error instanceof SecretUnreadableError) throw new JobDeathError('secret_unreadable', error.message);
      throw error;
    }
  }
}
