import { Injectable } from '@nestjs/common';
import { and, desc, eq, isNull, lt, lte, sql, type SQL } from 'drizzle-orm';
import { createHash } from 'node:crypto';
import { Settings } from '../../config/settings';
import { Database, type Transaction } from '../../platform/database/database.service';
import { nextVersion, type Inbox } from './notification-inbox';
import { notifications, type Notification } from './notifications.tables';

export type NewNotification = Pick<
  Notification,
  'tenant' | 'userId' | 'title' | 'body' | 'type' | 'metadata' | 'jobId'
>;

/** The id of the one notification that a job makes. */
export function notificationId(jobId: string): string {
  return `notification_${createHash('sha256').update(jobId).digest('base64url').slice(0, 22)}`;
}

/** The newest notifications of each user, as many as the settings keep. */
@Injectable()
export class Notifications {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  /** Keeps a notification, once for each job; false where it is there already. The oldest of its user make room. */
  async put(transaction: Transaction, notification: NewNotification): Promise<boolean> {
    const version = await nextVersion(transaction, notification);
    const put = await transaction
      .insert(notifications)
      .values({ ...notification, id: notificationId(notification.jobId), position: version, version })
      .onConflictDoNothing()
      .returning({ id: notifications.id });
    await this.trim(transaction, notification);
    return put.length > 0;
  }

  /** Newest first. */
  async list(
    inbox: Inbox,
    { limit, before, isUnread }: { limit: number; before?: number; isUnread?: boolean },
    query: Pick<Transaction, 'select'> = this.database.query,
  ): Promise<Notification[]> {
    const conditions = [...of(inbox)];
    if (before !== undefined) conditions.push(lt(notifications.position, before));
    if (isUnread === true) conditions.push(isNull(notifications.readAt));
    if (isUnread === false) conditions.push(sql`${notifications.readAt} IS NOT NULL`);
    return query
      .select()
      .from(notifications)
      .where(and(...conditions))
      .orderBy(desc(notifications.position))
      .limit(limit);
  }

  async find(id: string, tenant: string): Promise<Notification | undefined> {
    // PostgreSQL reads no text with a NUL.
    if (id.includes('\0')) return undefined;
    const [found] = await this.database.query
      .select()
      .from(notifications)
      .where(and(eq(notifications.id, id), eq(notifications.tenant, tenant)));
    return found;
  }

  async countUnread(inbox: Inbox, query: Pick<Transaction, 'select'> = this.database.query): Promise<number> {
    const [row] = await query
      .select({ count: sql<number>`count(*)::int` })
      .from(notifications)
      .where(and(...of(inbox), isNull(notifications.readAt)));
    return row?.count ?? 0;
  }

  /** The notification as it is now; undefined where there is none. When it was read first is kept. */
  async mark(id: string, tenant: string, isRead: boolean): Promise<Notification | undefined> {
    const known = await this.find(id, tenant);
    if (known === undefined || (known.readAt !== null) === isRead) return known;
    return this.database.transaction(async (transaction) => {
      const version = await nextVersion(transaction, known);
      const [changed] = await transaction
        .update(notifications)
        .set({ version, readAt: isRead ? sql`coalesce(${notifications.readAt}, now())` : null })
        .where(eq(notifications.id, id))
        .returning();
      return changed;
    });
  }

  /** Everything that is unread, or what came until one of them; resolves with how many were. */
  async markAllRead(inbox: Inbox, until?: number): Promise<number> {
    if ((await this.countUnread(inbox)) === 0) return 0;
    return this.database.transaction(async (transaction) => {
      const version = await nextVersion(transaction, inbox);
      const conditions = [...of(inbox), isNull(notifications.readAt)];
      if (until !== undefined) conditions.push(lte(notifications.position, until));
      const { rowCount } = await transaction
        .update(notifications)
        .set({ version, readAt: sql`now()` })
        .where(and(...conditions));
      return rowCount ?? 0;
    });
  }

  /** False where there is none. */
  async remove(id: string, tenant: string): Promise<boolean> {
    const known = await this.find(id, tenant);
    if (known === undefined) return false;
    return this.database.transaction(async (transaction) => {
      await nextVersion(transaction, known);
      const { rowCount } = await transaction.delete(notifications).where(eq(notifications.id, id));
      return (rowCount ?? 0) > 0;
    });
  }

  private async trim(transaction: Transaction, inbox: Inbox): Promise<void> {
    const oldestKept = transaction
      .select({ position: notifications.position })
      .from(notifications)
      .where(and(...of(inbox)))
      .orderBy(desc(notifications.position))
      .offset(this.settings.NOTIFICATIONS_PER_USER - 1)
      .limit(1);
    await transaction.delete(notifications).where(and(...of(inbox), lt(notifications.position, oldestKept)));
  }
}

function of({ tenant, userId }: Inbox): SQL[] {
  return [eq(notifications.tenant, tenant), eq(notifications.userId, userId)];
}
