import { bigserial, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** Jobs that were promised in a transaction and are not in Redis yet. */
export const outbox = pgTable('outbox', {
  id: bigserial('id', { mode: 'bigint' }).primaryKey(),
  tenant: text('tenant').notNull().default('default'),
  jobType: text('job_type').notNull(),
  key: text('key').notNull(),
  payload: jsonb('payload').notNull().$type<object>(),
  correlationId: text('correlation_id').notNull(),
  /** Who asked for the job. */
  caller: text('caller'),
  attempts: integer('attempts').notNull().default(0),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
});
