import { sql } from 'drizzle-orm';
import { index, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

/** The browsers in which users take web push; one row per endpoint of a tenant. */
export const pushSubscriptions = pgTable(
  'push_subscriptions',
  {
    /** Follows from the endpoint, so that a browser that comes again is the same row. */
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    userId: text('user_id').notNull(),
    /** The origin of the endpoint; its path is as good as a key. */
    service: text('service').notNull(),
    /** The endpoint and the keys. */
    sealed: text('sealed').notNull(),
    /** The public key with which it was made; no other may send to it. */
    vapidKey: text('vapid_key').notNull(),
    expiresAt: moment('expires_at'),
    createdBy: text('created_by').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** When the browser has said last that it is there. */
    renewedAt: moment('renewed_at').notNull().defaultNow(),
  },
  (table) => [
    index('push_subscriptions_by_user').on(table.tenant, table.userId, table.renewedAt, table.id),
    index('push_subscriptions_by_tenant').on(table.tenant, table.createdAt, table.id),
    index('push_subscriptions_by_end')
      .on(table.expiresAt)
      .where(sql`${table.expiresAt} IS NOT NULL`),
  ],
);

export type PushSubscription = typeof pushSubscriptions.$inferSelect;
