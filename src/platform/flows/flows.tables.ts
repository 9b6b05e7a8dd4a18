import { index, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { FailurePolicy } from './flow-node';

/** One job of a flow as the row of the flow remembers it. */
export interface FlowJob {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  /** `''` for the root. */
  readonly path: string;
  /** The path of the job that waits for it. */
  readonly parent?: string;
  readonly onFailure?: FailurePolicy;
}

/** Every flow that was promised: what it consists of, so that its jobs are found after Redis has let them go. */
export const flows = pgTable(
  'flows',
  {
    /** The id of the root's job. */
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    key: text('key').notNull(),
    /** Parents before their children, the root first. */
    jobs: jsonb('jobs').notNull().$type<readonly FlowJob[]>(),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
    cancelledAt: timestamp('cancelled_at', { withTimezone: true, precision: 3 }),
    cancelledBy: text('cancelled_by'),
    cancelReason: text('cancel_reason'),
  },
  (table) => [
    index('flows_key').on(table.tenant, table.key, table.createdAt),
    index('flows_age').on(table.createdAt),
  ],
);

export type Flow = typeof flows.$inferSelect;
