import { bigserial, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { FlowChild, FlowNode } from '../flows/flow-node';

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
  options: jsonb('options').$type<FlowNode['options']>(),
  /** The jobs that it waits for, where it is the last one of a flow. */
  children: jsonb('children').$type<readonly FlowChild[]>(),
  attempts: integer('attempts').notNull().default(0),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
});
