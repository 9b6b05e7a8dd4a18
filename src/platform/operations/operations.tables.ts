import {
  boolean,
  doublePrecision,
  index,
  integer,
  json,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

export const operationActions = [
  'retry',
  'redrive',
  'discard',
  'restore',
  'remove',
  'promote',
  'cancel',
  'clean',
] as const;
/** `clean` lets the records of finished jobs go, as retention does in its time. */
export type OperationAction = (typeof operationActions)[number];

export const operationStatuses = ['running', 'completed', 'halted', 'aborted'] as const;
/** `halted` stopped itself, because too much of a wave failed. */
export type OperationStatus = (typeof operationStatuses)[number];

/** Bulk actions with a handle; their rows are all that a process needs to go on with what another began. */
export const operations = pgTable(
  'operations',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull().default('default'),
    action: text('action').notNull().$type<OperationAction>(),
    status: text('status').notNull().default('running').$type<OperationStatus>(),
    reason: text('reason').notNull(),
    startedBy: text('started_by').notNull(),
    /** What was asked for, as it was asked. */
    request: json('request').notNull().$type<Record<string, unknown>>(),
    ratePerSecond: integer('rate_per_second'),
    usesWaves: boolean('uses_waves').notNull(),
    maxFailureRatio: doublePrecision('max_failure_ratio').notNull(),
    /** Counts from 1; a wave is ten times as large as the one before. */
    wave: integer('wave').notNull().default(1),
    total: integer('total').notNull(),
    detail: text('detail'),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** Until when the rate is used up. */
    nextAt: moment('next_at').notNull().defaultNow(),
    finishedAt: moment('finished_at'),
  },
  (table) => [
    index('operations_newest').on(
      table.tenant,
      table.createdAt.desc().nullsFirst(),
      table.id.desc().nullsFirst(),
    ),
    index('operations_status').on(table.status, table.createdAt),
  ],
);

export type OperationItemStatus = 'pending' | 'sent' | 'success' | 'failure' | 'skipped';

/** What an operation is about, one by one; `sent` waits for the job to end. */
export const operationItems = pgTable(
  'operation_items',
  {
    operationId: text('operation_id').notNull(),
    ordinal: integer('ordinal').notNull(),
    /** A dead letter or a job. */
    target: text('target').notNull(),
    status: text('status').notNull().default('pending').$type<OperationItemStatus>(),
    wave: integer('wave'),
    /** The job that was sent back to work, and which of its generations. */
    jobId: text('job_id'),
    generation: integer('generation'),
    detail: text('detail'),
  },
  (table) => [
    primaryKey({ columns: [table.operationId, table.ordinal] }),
    index('operation_items_status').on(table.operationId, table.status, table.ordinal),
  ],
);

/** The queues that an operation sends jobs back to; a queue has room for one. */
export const operationQueues = pgTable('operation_queues', {
  queue: text('queue').primaryKey(),
  operationId: text('operation_id').notNull(),
});
