import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../../platform/database/database.service';
import type { JobEffects } from '../../../platform/effects/job-effects';
import { Outbox } from '../../../platform/outbox/outbox.service';
import { jobId } from '../../../platform/queue/job-id';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import type { EmailPayload } from '../email/email.payload';
import { notificationId, Notifications } from '../notifications.store';
import { wantsMail, type UserNotificationPayload } from './user-notification.payload';

const MAIL = { type: 'EMAIL_SEND', queue: 'email' } as const;

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
  readonly links: { readonly self: string };
}

@Injectable()
export class UserNotificationService {
  constructor(
    private readonly notifications: Notifications,
    private readonly outbox: Outbox,
  ) {}

  /** Keeps the notification and promises its mail, in one transaction: both once, or neither. */
  async store(payload: UserNotificationPayload, job: NotificationJob): Promise<StoredNotification> {
    const stored = await job.effects.once('store', (transaction) => this.write(transaction, payload, job));
    if (stored.emailJobId !== undefined) this.outbox.wakeRelay();
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
    const stored = { notificationId: id, userId, links: { self: `/api/notifications/${id}` } };
    if (!wantsMail(payload.channels)) return stored;
    const key = `notification:${id}`;
    if (isNew) await this.promiseMail(transaction, key, payload, job);
    return { ...stored, emailJobId: jobId(MAIL.queue, key, tenant) };
  }

  private async promiseMail(
    transaction: Transaction,
    key: string,
    { title, body, email }: UserNotificationPayload,
    { tenant, caller }: NotificationJob,
  ): Promise<void> {
    if (email === undefined) throw new HopelessJobError('The channel email needs an address: set email.');
    const payload: EmailPayload = {
      to: email,
      subject: title,
      template: 'notification',
      variables: { title, body },
    };
    await this.outbox.put(transaction, {
      type: MAIL.type,
      key,
      payload,
      tenant,
      ...(caller !== undefined && { caller }),
    });
  }
}
