import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  customType,
  index,
  integer,
  jsonb,
  pgSequence,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { FeedItem } from '../../integrations/feeds/feed-item';
import type { FeedPagingDto } from '../../integrations/feeds/feed-paging.dto';
import type { JsonMappingDto } from '../../integrations/feeds/json-mapping.dto';

const moment = (name: string) => timestamp(name, { withTimezone: true });
const searchable = customType<{ data: string }>({ dataType: () => 'tsvector' });
const total = (name: string) => integer(name).notNull().default(0);

/** The text of a header, or the name of the secret that holds it. */
export type HeaderValue = string | { readonly secret: string };

/** A feed that is imported again and again. */
export const feedSources = pgTable(
  'feed_sources',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull().default('default'),
    /** What items and limits call it; the address unless its owner has a better name. */
    name: text('name').notNull(),
    url: text('url').notNull(),
    mapping: jsonb('mapping').$type<JsonMappingDto>(),
    paging: jsonb('paging').$type<FeedPagingDto>(),
    headers: jsonb('headers').$type<Record<string, HeaderValue>>(),
    /** A cron expression of five or six fields; without one the source is imported on request only. */
    schedule: text('schedule'),
    timeZone: text('time_zone').notNull().default('UTC'),
    jitterSeconds: integer('jitter_seconds').notNull().default(0),
    /** Items that may start in `rate_duration_ms`; without it, what the queue allows each source. */
    rateMax: integer('rate_max'),
    rateDurationMs: integer('rate_duration_ms'),
    enabled: boolean('enabled').notNull().default(true),
    /** What the last complete answer said of itself. */
    etag: text('etag'),
    lastModified: text('last_modified'),
    nextRunAt: moment('next_run_at'),
    version: bigint('version', { mode: 'number' }).notNull().default(0),
    createdAt: moment('created_at').notNull(),
    updatedAt: moment('updated_at').notNull(),
  },
  (table) => [
    uniqueIndex('feed_sources_name').on(table.tenant, table.name),
    index('feed_sources_newest').on(table.tenant, table.createdAt, table.id),
    index('feed_sources_due')
      .on(table.nextRunAt)
      .where(sql`${table.enabled} AND ${table.nextRunAt} IS NOT NULL`),
  ],
);

/** One import: what was started together. */
export const imports = pgTable(
  'imports',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull().default('default'),
    trigger: text('trigger').notNull().$type<ImportTrigger>(),
    caller: text('caller'),
    createdAt: moment('created_at').notNull(),
  },
  (table) => [index('imports_newest').on(table.tenant, table.createdAt, table.id)],
);

export type ImportTrigger = 'request' | 'schedule';
export type ImportStatus = 'queued' | 'fetching' | 'importing' | 'completed' | 'failed' | 'cancelled';
export const unfinishedImports = ['queued', 'fetching', 'importing'] as const;

/** The part of one source in an import. `offered` is the sum of what was left out and what was enqueued. */
export const importSources = pgTable(
  'import_sources',
  {
    importId: uuid('import_id').notNull(),
    source: text('source').notNull(),
    tenant: text('tenant').notNull().default('default'),
    /** The stored source; none for an address or items that came with the request. */
    sourceId: uuid('source_id'),
    /** None when the items came with the request. */
    url: text('url'),
    mapping: jsonb('mapping').$type<JsonMappingDto>(),
    paging: jsonb('paging').$type<FeedPagingDto>(),
    status: text('status').notNull().default('queued').$type<ImportStatus>(),
    jobId: text('job_id').notNull(),
    /** Fences out a fetch that was given up: only the newest may write. */
    attempt: integer('attempt').notNull().default(0),
    /** How often the source asked to come back later. */
    postponed: integer('postponed').notNull().default(0),
    format: text('format'),
    title: text('title'),
    notModified: boolean('not_modified').notNull().default(false),
    bytes: bigint('bytes', { mode: 'number' }).notNull().default(0),
    /** Items that were read, or that came with the request. */
    offered: total('offered'),
    rejected: total('rejected'),
    /** Left out because they are stored already, word for word. */
    skipped: total('skipped'),
    /** Left out because another job has them in hand, or the feed has them twice. */
    duplicates: total('duplicates'),
    enqueued: total('enqueued'),
    created: total('created'),
    updated: total('updated'),
    /** Found unchanged, or older than what is stored, by their job. */
    unchanged: total('unchanged'),
    failed: total('failed'),
    /** Where the document breaks, when its items before that were taken. */
    broken: text('broken'),
    error: text('error'),
    version: bigint('version', { mode: 'number' }).notNull().default(0),
    updatedAt: moment('updated_at').notNull(),
    startedAt: moment('started_at'),
    /** Of a cancelled source: when the last of its items was cancelled as well. */
    finishedAt: moment('finished_at'),
  },
  (table) => [
    primaryKey({ columns: [table.importId, table.source] }),
    // One fetch of a source at a time; items that callers bring may come side by side.
    uniqueIndex('import_sources_running')
      .on(table.tenant, table.source)
      .where(sql`${table.url} IS NOT NULL AND ${table.status} IN ('queued', 'fetching', 'importing')`),
    index('import_sources_unfinished')
      .on(table.updatedAt)
      .where(sql`${table.status} IN ('queued', 'fetching', 'importing')`),
    index('import_sources_cancelling')
      .on(table.importId)
      .where(sql`${table.status} = 'cancelled' AND ${table.finishedAt} IS NULL`),
  ],
);

export type ItemOutcome = 'queued' | 'created' | 'updated' | 'unchanged' | 'failed' | 'cancelled';

/** What is kept of an item: all that its feed says of it. */
export type ItemDocument = Omit<FeedItem, 'position' | 'fingerprint'>;

/** The items that an import has enqueued. The job names the row; the row holds the item until it is stored. */
export const importItems = pgTable(
  'import_items',
  {
    importId: uuid('import_id').notNull(),
    /** Tenant, source and guid, hashed. */
    key: text('key').notNull(),
    source: text('source').notNull(),
    guid: text('guid').notNull(),
    /** Whether the job has the key `<source>#<guid>` itself, because none before may still have it. */
    isFirst: boolean('is_first').notNull(),
    /** The newest attempt of the fetch that has read it: tells what its feed has twice from what is read again. */
    attempt: integer('attempt').notNull().default(0),
    /** Whether other imports rely on its job, so that it outlives a cancel of its own. */
    isShared: boolean('is_shared').notNull().default(false),
    fingerprint: text('fingerprint').notNull(),
    document: jsonb('document').$type<ItemDocument>(),
    outcome: text('outcome').notNull().default('queued').$type<ItemOutcome>(),
    error: text('error'),
    /** When the item was read, in epoch milliseconds: an older version never replaces a newer one. */
    seenAt: bigint('seen_at', { mode: 'number' }).notNull(),
    updatedAt: moment('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.importId, table.key] }),
    // Of each item one job waits at most, whoever has enqueued it.
    uniqueIndex('import_items_queued')
      .on(table.key)
      .where(sql`${table.outcome} = 'queued'`),
    index('import_items_unstored')
      .on(table.key)
      .where(sql`${table.outcome} IN ('failed', 'cancelled')`),
    index('import_items_cancelled')
      .on(table.importId)
      .where(sql`${table.outcome} = 'cancelled' AND ${table.document} IS NOT NULL`),
  ],
);

/** Items that could not be taken, and why; bounded for each source, while its number counts all. */
export const importRejections = pgTable(
  'import_rejections',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    importId: uuid('import_id').notNull(),
    source: text('source').notNull(),
    /** 1 is the first item of the feed. */
    position: integer('position').notNull(),
    reason: text('reason').notNull(),
    detail: text('detail').notNull(),
  },
  (table) => [index('import_rejections_import').on(table.importId, table.source, table.id)],
);

export const feedItemsNumber = pgSequence('feed_items_number');

/** The items themselves, each once, in the newest version that was seen. */
export const feedItems = pgTable(
  'feed_items',
  {
    key: text('key').primaryKey(),
    tenant: text('tenant').notNull(),
    source: text('source').notNull(),
    guid: text('guid').notNull(),
    fingerprint: text('fingerprint').notNull(),
    document: jsonb('document').notNull().$type<ItemDocument>(),
    search: searchable('search').generatedAlwaysAs(
      sql`setweight(to_tsvector('simple', coalesce(left(document ->> 'title', 2000), '')), 'A') || setweight(to_tsvector('simple', coalesce(left(document #>> '{summary,value}', 20000), '')), 'B') || setweight(to_tsvector('simple', coalesce(left(document #>> '{content,value}', 100000), '')), 'D')`,
    ),
    /** When it was published, or first seen where its feed does not say. */
    datedAt: moment('dated_at').notNull(),
    /** The import that stored this version. */
    importId: uuid('import_id').notNull(),
    seenAt: bigint('seen_at', { mode: 'number' }).notNull(),
    createdAt: moment('created_at').notNull(),
    updatedAt: moment('updated_at').notNull(),
    /** What is stored together is close together in the indexes by date; 0 for what was there before there were numbers. */
    number: bigint('number', { mode: 'number' })
      .notNull()
      .default(sql`nextval('feed_items_number')`),
  },
  (table) => [
    index('feed_items_search').using('gin', table.search),
    index('feed_items_newest').on(table.tenant, table.datedAt, table.number),
    index('feed_items_of_source').on(table.tenant, table.source, table.datedAt, table.number),
  ],
);

export type FeedSourceRow = typeof feedSources.$inferSelect;
export type ImportRow = typeof imports.$inferSelect;
export type ImportSourceRow = typeof importSources.$inferSelect;
export type ImportItemRow = typeof importItems.$inferSelect;
export type FeedItemRow = typeof feedItems.$inferSelect;
