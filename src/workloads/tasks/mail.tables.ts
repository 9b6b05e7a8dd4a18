import { customType, index, integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });
const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** Mail that was not sent, because there is no server to send it to. */
export const mailOutbox = pgTable(
  'mail_outbox',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    /** A second try of the same mail is the same mail. */
    messageId: text('message_id').notNull().unique(),
    sender: text('sender').notNull(),
    recipients: jsonb('recipients').notNull().$type<readonly string[]>(),
    subject: text('subject').notNull(),
    text: text('text').notNull(),
    html: text('html').notNull(),
    /** As it would have gone over the wire. */
    eml: bytes('eml').notNull(),
    bytes: integer('bytes').notNull(),
    jobId: text('job_id').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [index('mail_outbox_by_tenant').on(table.tenant, table.createdAt, table.id)],
);

/** Who gets no mail any more. */
export const mailSuppressions = pgTable(
  'mail_suppressions',
  {
    tenant: text('tenant').notNull(),
    /** In small letters. */
    address: text('address').notNull(),
    reason: text('reason').notNull(),
    createdBy: text('created_by').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.address] })],
);

export type OutboxMail = typeof mailOutbox.$inferSelect;
export type Suppression = typeof mailSuppressions.$inferSelect;
