import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { ActivityKind, ActivitySide } from '../../integrations/broker/broker-activity';

// In whole milliseconds, so that a cursor holds exactly what the table holds.
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });
// Crypto assets have up to 18 places; nothing that anybody trades has 20 digits before the point.
const amount = (name: string) => numeric(name, { precision: 38, scale: 18 });
const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** Accounts at brokers whose activities are fetched; the credentials are sealed. */
export const brokerConnections = pgTable(
  'broker_connections',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    userId: text('user_id').notNull(),
    name: text('name').notNull(),
    adapter: text('adapter').notNull(),
    /** What the adapter needs to know and everybody may see. */
    settings: jsonb('settings').notNull().$type<Readonly<Record<string, string>>>(),
    /** JSON, sealed with the keys of SECRETS_KEYS for this very row. */
    credentials: text('credentials').notNull(),
    schedule: jsonb('schedule').notNull().$type<SyncSchedule>(),
    isPaused: boolean('is_paused').notNull().default(false),
    /** Why the server itself has paused it; null where a person has, or nobody. */
    pauseReason: text('pause_reason'),
    /** When the next scheduled sync is due; null while it is paused or has no schedule. */
    nextRunAt: moment('next_run_at'),
    cursor: jsonb('cursor').$type<SyncCursor>(),
    /** Rises with what people change; the ETag. */
    version: integer('version').notNull().default(1),
    createdBy: text('created_by').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('broker_connections_newest').on(table.tenant, table.createdAt, table.id),
    index('broker_connections_due')
      .on(table.nextRunAt)
      .where(sql`${table.nextRunAt} IS NOT NULL`),
  ],
);

/** When a connection is synchronised by itself: not at all, every so many minutes, or by a cron expression. */
export type SyncSchedule =
  | { readonly kind: 'manual' }
  | { readonly kind: 'interval'; readonly everyMinutes: number; readonly jitterSeconds: number }
  | {
      readonly kind: 'cron';
      readonly expression: string;
      readonly timeZone: string;
      readonly jitterSeconds: number;
    };

/** How far a connection has been read. */
export interface SyncCursor {
  /** Where the sync that is under way, or was cut off, began and how far it has come. */
  readonly open?: { readonly after: string | null; readonly pageToken: string };
  /** The newest moment of any activity, by the broker's clock; null before the first. */
  readonly newest: string | null;
}

/** One synchronisation of a connection; only one of a connection is open at a time. */
export const brokerSyncRuns = pgTable(
  'broker_sync_runs',
  {
    id: uuid('id').primaryKey(),
    connectionId: uuid('connection_id')
      .notNull()
      .references(() => brokerConnections.id, { onDelete: 'cascade' }),
    tenant: text('tenant').notNull(),
    trigger: text('trigger').notNull().$type<SyncTrigger>(),
    status: text('status').notNull().$type<SyncStatus>(),
    jobId: text('job_id').notNull(),
    /** Fences out a start that was given up: only the newest may write. */
    attempt: integer('attempt').notNull().default(0),
    pages: integer('pages').notNull().default(0),
    received: integer('received').notNull().default(0),
    inserted: integer('inserted').notNull().default(0),
    updated: integer('updated').notNull().default(0),
    /** How often the broker asked to wait. */
    throttled: integer('throttled').notNull().default(0),
    /** How far the broker's clock is ahead of ours, in milliseconds; null where it says no time. */
    clockAheadMs: bigint('clock_ahead_ms', { mode: 'number' }),
    reconciliation: jsonb('reconciliation').$type<Reconciliation>(),
    errorMessage: text('error_message'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    finishedAt: moment('finished_at'),
  },
  (table) => [
    uniqueIndex('broker_sync_runs_open')
      .on(table.connectionId)
      .where(sql`${table.status} IN ('queued', 'running')`),
    index('broker_sync_runs_newest').on(table.connectionId, table.createdAt, table.id),
    index('broker_sync_runs_by_job').on(table.jobId),
    index('broker_sync_runs_unfinished')
      .on(table.updatedAt)
      .where(sql`${table.status} IN ('queued', 'running')`),
  ],
);

export type SyncTrigger = 'schedule' | 'manual' | 'job';
export type SyncStatus = 'queued' | 'running' | 'completed' | 'failed';

/** Positions as the activities make them, compared with those that the broker tells. */
export interface Reconciliation {
  readonly status: 'matches' | 'differs' | 'unavailable';
  readonly checkedAt: string;
  readonly symbols: number;
  /** All of them; `differences` lists the first 200. */
  readonly differenceCount: number;
  readonly differences: readonly PositionDifference[];
}

/** Quantities are exact decimals; those of short positions are negative. */
export interface PositionDifference {
  readonly symbol: string;
  readonly computed: string;
  readonly reported: string;
  readonly difference: string;
}

/** What has happened in the accounts of users, from brokers and from files; the key is the source's own. */
export const brokerActivities = pgTable(
  'broker_activities',
  {
    tenant: text('tenant').notNull(),
    userId: text('user_id').notNull(),
    /** The id of a connection, or `import`. */
    source: text('source').notNull(),
    externalId: text('external_id').notNull(),
    kind: text('kind').notNull().$type<ActivityKind>(),
    /** The source's own word. */
    type: text('type').notNull(),
    symbol: text('symbol'),
    side: text('side').$type<ActivitySide>(),
    /** By how much the position changes; negative for what leaves it. */
    quantity: amount('quantity'),
    price: amount('price'),
    /** By how much the cash changes, where the source says so. */
    cash: amount('cash'),
    fee: amount('fee'),
    currency: text('currency'),
    occurredAt: moment('occurred_at').notNull(),
    storedAt: moment('stored_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.userId, table.source, table.externalId] }),
    index('broker_activities_by_time').on(
      table.tenant,
      table.userId,
      table.occurredAt,
      table.source,
      table.externalId,
    ),
  ],
);

/** One file of trades and what became of it. */
export const tradeImports = pgTable(
  'trade_imports',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    userId: text('user_id').notNull(),
    fileId: text('file_id').notNull(),
    jobId: text('job_id').notNull(),
    status: text('status').notNull().$type<ImportStatus>(),
    attempt: integer('attempt').notNull().default(0),
    /** The column of the file that each field of a trade was read from. */
    columns: jsonb('columns').$type<Readonly<Record<string, string>>>(),
    dialect: jsonb('dialect').$type<object>(),
    rowsRead: integer('rows_read').notNull().default(0),
    rowsInserted: integer('rows_inserted').notNull().default(0),
    rowsDuplicate: integer('rows_duplicate').notNull().default(0),
    rowsRefused: integer('rows_refused').notNull().default(0),
    findingsStored: integer('findings_stored').notNull().default(0),
    /** Exact counts by rule, column and severity. */
    summary: jsonb('summary').$type<readonly object[]>(),
    errorMessage: text('error_message'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    finishedAt: moment('finished_at'),
  },
  (table) => [
    uniqueIndex('trade_imports_by_job').on(table.jobId),
    index('trade_imports_newest').on(table.tenant, table.createdAt, table.id),
    index('trade_imports_by_age').on(table.createdAt),
  ],
);

export type ImportStatus = 'queued' | 'processing' | 'completed' | 'failed';

/** What is wrong in a file of trades, row by row; bounded per import, while its summary counts everything. */
export const tradeImportFindings = pgTable(
  'trade_import_findings',
  {
    importId: uuid('import_id')
      .notNull()
      .references(() => tradeImports.id, { onDelete: 'cascade' }),
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
  (table) => [primaryKey({ columns: [table.importId, table.ordinal] })],
);

/** Reviews of how a user has traded: the numbers, and the words about them. */
export const tradeReviews = pgTable(
  'trade_reviews',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    userId: text('user_id').notNull(),
    jobId: text('job_id').notNull(),
    statistics: jsonb('statistics').notNull().$type<object>(),
    text: text('text').notNull(),
    /** Who has written the text: `embedded`, or the name of a language model's endpoint. */
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('trade_reviews_by_job').on(table.jobId),
    index('trade_reviews_newest').on(table.tenant, table.userId, table.createdAt, table.id),
  ],
);

/** What users write down about their trading; its embedding is made by a job and stays behind the text until then. */
export const tradeNotes = pgTable(
  'trade_notes',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    userId: text('user_id').notNull(),
    title: text('title').notNull(),
    body: text('body').notNull(),
    version: integer('version').notNull().default(1),
    /** Of the version that `embeddedVersion` names: 32-bit numbers, little-endian, of length 1 together. */
    embedding: bytes('embedding'),
    /** Vectors of different models are not comparable. */
    embeddingModel: text('embedding_model'),
    embeddedVersion: integer('embedded_version'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('trade_notes_newest').on(table.tenant, table.userId, table.createdAt, table.id),
    index('trade_notes_by_model').on(table.tenant, table.userId, table.embeddingModel),
  ],
);
