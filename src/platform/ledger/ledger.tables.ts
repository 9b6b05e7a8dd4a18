import {
  bigint,
  boolean,
  customType,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';

// Compared byte by byte, so that the ordinary index also finds what begins with a text.
const bytewise = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });
const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** One row per job; a job that is added again under its old id, after its record had gone, is another row. */
export const ledgerJobs = pgTable(
  'ledger_jobs',
  {
    id: bytewise('id').notNull(),
    /** The table is partitioned by the day of this time. */
    createdAt: moment('created_at').notNull(),
    tenant: text('tenant').notNull(),
    queue: text('queue').notNull(),
    type: text('type').notNull(),
    key: bytewise('key'),
    state: text('state').notNull(),
    priority: text('priority').notNull(),
    runAt: moment('run_at'),
    startedAt: moment('started_at'),
    finishedAt: moment('finished_at'),
    waitMs: bigint('wait_ms', { mode: 'number' }),
    runMs: bigint('run_ms', { mode: 'number' }),
    attemptsMade: integer('attempts_made').notNull(),
    attemptsMax: integer('attempts_max').notNull(),
    starts: integer('starts').notNull(),
    worker: text('worker'),
    errorGroup: text('error_group'),
    errorName: text('error_name'),
    errorMessage: text('error_message'),
    /** The result as JSON, where it is small. */
    result: text('result'),
    isResultOmitted: boolean('result_omitted').notNull(),
    /** What the job can be found by: `t:<tag>` and `p:<payload field>=<value>`. */
    terms: text('terms').array(),
    caller: text('caller'),
    correlationId: text('correlation_id').notNull(),
    generation: integer('generation').notNull(),
    version: integer('version').notNull(),
    /** When Redis was read for this row, by the clock of Redis; an older reading never replaces a newer one. */
    observedAt: bigint('observed_at', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.id, table.createdAt] })],
);

/** Attempts that did not complete their job; the one that did stands in the job's own row. */
export const ledgerAttempts = pgTable(
  'ledger_attempts',
  {
    jobId: bytewise('job_id').notNull(),
    jobCreatedAt: moment('job_created_at').notNull(),
    start: integer('start').notNull(),
    /** When it ended, else when it began, in epoch milliseconds: tells the starts of two generations apart. */
    at: bigint('at', { mode: 'number' }).notNull(),
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
    worker: text('worker'),
    version: text('version'),
    outcome: text('outcome').notNull(),
    cause: text('cause'),
    errorGroup: text('error_group'),
    errorName: text('error_name'),
    errorMessage: text('error_message'),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.jobCreatedAt, table.start, table.at] })],
);

/** How far each source in Redis has been read; moved in the same transaction as the rows it stands for. */
export const ledgerCursors = pgTable('ledger_cursors', {
  source: text('source').primaryKey(),
  position: text('position').notNull(),
});
