import { Injectable } from '@nestjs/common';
import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import type { Inbox } from './notification-inbox';
import { Notifications } from './notifications.store';
import { notificationInboxes, notifications, type Notification } from './notifications.tables';

/** How far somebody has followed an inbox; of one version there may be several notifications. */
export interface InboxPlace {
  readonly version: number;
  readonly position: number;
}

/** An inbox at one moment. */
export interface InboxSnapshot {
  /** 0 for one that has never had anything. */
  readonly version: number;
  readonly unread: number;
  readonly newest: readonly Notification[];
}

/** What changes in inboxes, for those who follow them. */
@Injectable()
export class NotificationChanges {
  constructor(
    private readonly database: Database,
    private readonly kept: Notifications,
  ) {}

  /** Of one moment: what is not in it has a higher version. */
  async snapshot(inbox: Inbox, limit: number): Promise<InboxSnapshot> {
    return this.database.transaction(
      async (transaction) => {
        const [row] = await transaction
          .select({ version: notificationInboxes.version })
          .from(notificationInboxes)
          .where(
            and(eq(notificationInboxes.tenant, inbox.tenant), eq(notificationInboxes.userId, inbox.userId)),
          );
        const unread = await this.kept.countUnread(inbox, transaction);
        const newest = await this.kept.list(inbox, { limit }, transaction);
        return { version: row?.version ?? 0, unread, newest };
      },
      { isolationLevel: 'repeatable read', accessMode: 'read only' },
    );
  }

  /** The versions of at most some hundred inboxes; those that have never had anything are left out. */
  async versions(inboxes: readonly Inbox[]): Promise<(Inbox & { readonly version: number })[]> {
    if (inboxes.length === 0) return [];
    const { tenant, userId, version } = notificationInboxes;
    const names = inboxes.map((inbox) => sql`(${inbox.tenant}, ${inbox.userId})`);
    return this.database.query
      .select({ tenant, userId, version })
      .from(notificationInboxes)
      .where(inArray(sql`(${tenant}, ${userId})`, names));
  }

  /** What came or was changed after a place, the earliest change first. */
  async after(inbox: Inbox, { version, position }: InboxPlace, limit: number): Promise<Notification[]> {
    return this.database.query
      .select()
      .from(notifications)
      .where(
        and(
          eq(notifications.tenant, inbox.tenant),
          eq(notifications.userId, inbox.userId),
          sql`(${notifications.version}, ${notifications.position}) > (${version}::bigint, ${position}::bigint)`,
        ),
      )
      .orderBy(asc(notifications.version), asc(notifications.position))
      .limit(limit);
  }
}
