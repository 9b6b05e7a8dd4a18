import { Injectable } from '@nestjs/common';
import { Settings } from '../../../config/settings';
import type { Transaction } from '../../../platform/database/database.service';
import type { JobEffects } from '../../../platform/effects/job-effects';
import { Outbox } from '../../../platform/outbox/outbox.service';
import { jobId } from '../../../platform/queue/job-id';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import type { EmailPayload } from '../email/email.payload';
import { notificationId, Notifications } from '../notifications.store';
import { PushSubscriptions } from '../push-subscriptions.store';
import { SEND_WEB_PUSH, type WebPushPayload } from '../web-push/web-push.payload';
import { wantsMail, wantsPush, type UserNotificationPayload } from './user-notification.payload';

const MAIL = { type: 'EMAIL_SEND', queue: 'email' } as const;
const NO_PUSH =
  'The channel push needs VAPID_PUBLIC_KEY and its like: set them on the workers, too, then redrive the job.';
const PUSH = { type: SEND_WEB_PUSH, queue: 'web-push' } as const;

export interface NotificationJob {
  readonly id: string;
  readonly tenant: string;
  readonly caller?: string;
  readonly effects: Pick<JobEffects, 'once'>;
}

export interface StoredNotification {
  readonly notificationId: string;
  readonly userId: string;
  /** The job that sends the mail, where one is asked for. */
  readonly emailJobId?: string;
  /** The jobs that push it, where that is asked for: one for each browser of the user, none for a user without. */
  readonly pushJobIds?: readonly string[];
  readonly links: { readonly self: string };
}

@Injectable()
export class UserNotificationService {
  constructor(
    private readonly notifications: Notifications,
    private readonly outbox: Outbox,
    private readonly subscriptions: PushSubscriptions,
    private readonly settings: Settings,
  ) {}

  /** Keeps the notification and promises its mail and its pushes, in one transaction: all once, or nothing. */
  async store(payload: UserNotificationPayload, job: NotificationJob): Promise<StoredNotification> {
    const stored = await job.effects.once('store', (transaction) => this.write(transaction, payload, job));
    if (stored.emailJobId !== undefined || stored.pushJobIds !== undefined) this.outbox.wakeRelay();
    return stored;
  }

  private async write(
    transaction: Transaction,
    payload: UserNotificationPayload,
    job: NotificationJob,
  ): Promise<StoredNotification> {
    const { userId, title, body, type = 'info', metadata = null } = payload;
    const { id: ofJob, tenant } = job;
    const id = notificationId(ofJob);
    const isNew = await this.notifications.put(transaction, {
      tenant,
      userId,
      title,
      body,
      type,
      metadata,
      jobId: ofJob,
    });
    const { channels } = payload;
    return {
      notificationId: id,
      userId,
      ...(wantsMail(channels) && {
        emailJobId: await this.promiseMail(transaction, { id, isNew }, payload, job),
      }),
      // Which browsers the first start has found is known to the jobs alone.
      ...(wantsPush(channels) &&
        isNew && { pushJobIds: await this.promisePushes(transaction, id, userId, job) }),
      links: { self: `/api/notifications/${id}` },
    };
  }

  private async promiseMail(
    transaction: Transaction,
    { id, isNew }: { readonly id: string; readonly isNew: boolean },
    { title, body, email }: UserNotificationPayload,
    { tenant, caller }: NotificationJob,
  ): Promise<string> {
    const key = `notification:${id}`;
    if (isNew) {
      if (email === undefined) throw new HopelessJobError('The channel email needs an address: set email.');
      const payload: EmailPayload = {
        to: email,
        subject: title,
        template: 'notification',
        variables: { title, body },
      };
      await this.outbox.put(transaction, { type: MAIL.type, key, payload, tenant, ...by(caller) });
    }
    return jobId(MAIL.queue, key, tenant);
  }

  private async promisePushes(
    transaction: Transaction,
    id: string,
    userId: string,
    { tenant, caller }: NotificationJob,
  ): Promise<string[]> {
    const { vapid } = this.settings;
    // The job was taken where push is set up; this worker has to be, too, to know whom its key may send to.
    if (vapid === undefined) throw new HopelessJobError(NO_PUSH);
    const ids = await this.subscriptions.idsOf({ tenant, userId }, vapid.publicKey, transaction);
    const jobs = ids.map((subscriptionId) => ({
      type: PUSH.type,
      key: `notification:${id}:${subscriptionId}`,
      payload: { notificationId: id, subscriptionId } satisfies WebPushPayload,
      tenant,
      ...by(caller),
    }));
    await this.outbox.putAll(transaction, jobs);
    return jobs.map(({ key }) => jobId(PUSH.queue, key, tenant));
  }
}

function by(caller: string | undefined): { readonly caller?: string } {
  return caller === undefined ? {} : { caller };
}
