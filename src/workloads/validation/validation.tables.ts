import {
  bigint,
  bigserial,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true });

/** One upload and how far its validation is; `status` holds exactly the words of document 002, and `cancelled`. */
export const validationRuns = pgTable(
  'validation_runs',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull().default('default'),
    fileId: uuid('file_id').notNull(),
    fileName: text('file_name').notNull(),
    fileBytes: bigint('file_bytes', { mode: 'number' }).notNull().default(0),
    status: text('status').notNull().default('queued').$type<ValidationStatus>(),
    stage: text('stage').$type<ValidationStage>(),
    progress: numeric('progress', { precision: 5, scale: 2, mode: 'number' }).notNull().default(0),
    jobId: text('job_id'),
    errorMessage: text('error_message'),
    /** Fences out an attempt that was given up: only the newest may write the result. */
    attempt: integer('attempt').notNull().default(0),
    ruleSetName: text('rule_set_name'),
    /** The rules as they were when the run was accepted. */
    ruleSet: jsonb('rule_set').$type<object>(),
    rowsRead: integer('rows_read').notNull().default(0),
    rowsValid: integer('rows_valid').notNull().default(0),
    rowsInvalid: integer('rows_invalid').notNull().default(0),
    findingsStored: integer('findings_stored').notNull().default(0),
    /** What the running attempt has found so far; the summary of a finished run is exact. */
    findingsSoFar: bigint('findings_so_far', { mode: 'number' }).notNull().default(0),
    /** Exact counts by rule, column and severity. */
    summary: jsonb('summary').$type<object>(),
    dialect: jsonb('dialect').$type<object>(),
    columns: jsonb('columns').$type<string[]>(),
    reportBytes: bigint('report_bytes', { mode: 'number' }),
    correlationId: text('correlation_id'),
    /** The run whose report this upload corrects. */
    previousRunId: uuid('previous_run_id'),
    /** Rises with every change; a stream's event id and the ETag. */
    version: bigint('version', { mode: 'number' }).notNull().default(0),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    startedAt: moment('started_at'),
    finishedAt: moment('finished_at'),
  },
  (table) => [
    index('validation_runs_newest').on(
      table.tenant,
      table.createdAt.desc().nullsFirst(),
      table.id.desc().nullsFirst(),
    ),
    index('validation_runs_unfinished').on(table.status, table.updatedAt),
  ],
);

export type ValidationStatus = 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled';
export type ValidationStage = 'parse' | 'store' | 'rules' | 'results';

/** What is wrong, row by row; bounded per run, while the run's summary counts everything. */
export const validationFindings = pgTable(
  'validation_findings',
  {
    runId: uuid('run_id').notNull(),
    ordinal: integer('ordinal').notNull(),
    /** 1 is the first row after the header, 0 the header or the file itself. */
    rowNumber: integer('row_number').notNull(),
    lineNumber: integer('line_number'),
    columnName: text('column_name'),
    rule: text('rule').notNull(),
    severity: text('severity').notNull(),
    message: text('message').notNull(),
    value: text('value'),
  },
  (table) => [primaryKey({ columns: [table.runId, table.ordinal] })],
);

/** The rows of finished runs, each as one CSV record; a BRIN index keeps COPY fast and finds a run's rows. */
export const validationRows = pgTable(
  'validation_rows',
  {
    runId: uuid('run_id').notNull(),
    rowNumber: integer('row_number').notNull(),
    record: text('record').notNull(),
  },
  (table) => [index('validation_rows_run').using('brin', table.runId)],
);

export const validationLogs = pgTable(
  'validation_logs',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    validationRunId: uuid('validation_run_id').notNull(),
    source: text('source').notNull(),
    level: text('level').notNull().default('info'),
    message: text('message').notNull(),
    timestamp: moment('timestamp').notNull().defaultNow(),
  },
  (table) => [index('validation_logs_run').on(table.validationRunId, table.id)],
);

/** Runs that are gone for every reader while their rows are still being removed. */
export const validationRemovals = pgTable('validation_removals', {
  runId: uuid('run_id').primaryKey(),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/** Named rule sets; a new definition under the same name is a new version. */
export const ruleSets = pgTable(
  'rule_sets',
  {
    tenant: text('tenant').notNull().default('default'),
    name: text('name').notNull(),
    version: integer('version').notNull().default(1),
    definition: jsonb('definition').notNull().$type<object>(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.name] })],
);
