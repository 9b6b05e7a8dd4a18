import { sql } from 'drizzle-orm';
import { bigint, index, jsonb, pgTable, primaryKey, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });
const counter = (name: string) => bigint(name, { mode: 'number' });

export type NotificationType = 'info' | 'warning' | 'error' | 'success';

/** What users are told; one row per job. */
export const notifications = pgTable(
  'notifications',
  {
    /** Follows from the job. */
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    userId: text('user_id').notNull(),
    title: text('title').notNull(),
    body: text('body').notNull(),
    type: text('type').notNull().$type<NotificationType>(),
    metadata: jsonb('metadata').$type<Readonly<Record<string, unknown>>>(),
    jobId: text('job_id').notNull(),
    /** The version of the inbox with which it came. */
    position: counter('position').notNull(),
    /** The version of the inbox with which it was changed last. */
    version: counter('version').notNull(),
    readAt: moment('read_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('notifications_by_user').on(table.tenant, table.userId, table.position),
    index('notifications_by_version').on(table.tenant, table.userId, table.version, table.position),
    index('notifications_unread')
      .on(table.tenant, table.userId, table.position)
      .where(sql`${table.readAt} IS NULL`),
    index('notifications_by_age').on(table.createdAt),
  ],
);

/** How far the notifications of each user have come. Whoever changes one locks the row, so that versions commit in order. */
export const notificationInboxes = pgTable(
  'notification_inboxes',
  {
    tenant: text('tenant').notNull(),
    userId: text('user_id').notNull(),
    version: counter('version').notNull(),
    changedAt: moment('changed_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.userId] }),
    index('notification_inboxes_by_age').on(table.changedAt),
  ],
);

export type Notification = typeof notifications.$inferSelect;
