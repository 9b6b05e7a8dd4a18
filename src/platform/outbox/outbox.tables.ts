import { bigserial, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { FlowChild, FlowNode } from '../flows/flow-node';

/** What a row holds of a flow beside the root's type and payload. */
export interface StoredFlow extends Pick<FlowNode, 'options'> {
  readonly children: readonly FlowChild[];
}

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
  /** The jobs that it waits for, where it is the last one of a flow, and its options. */
  flow: jsonb('flow').$type<StoredFlow>(),
  attempts: integer('attempts').notNull().default(0),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
});
