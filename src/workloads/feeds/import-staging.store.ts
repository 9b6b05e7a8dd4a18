import { Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import type { FeedItem } from '../../integrations/feeds/feed-item';
import { Database, type Transaction } from '../../platform/database/database.service';
import {
  importItems,
  importRejections,
  importSources,
  type ImportItemRow,
  type ItemDocument,
} from './feeds.tables';
import { itemKeyOf } from './item-key';

/** Who works on one source of an import: a fetch, or the request that has brought the items. One that was given up may not write any more. */
export interface FetchPlace {
  readonly importId: string;
  readonly source: string;
  readonly tenant: string;
  readonly attempt: number;
  readonly status: 'queued' | 'fetching';
}

export interface Rejection {
  readonly position: number;
  readonly reason: string;
  readonly detail: string;
}

/** What is staged in one step. */
export interface ItemChunk {
  readonly items: readonly FeedItem[];
  readonly rejections: readonly Rejection[];
  /** Of the document, up to here. */
  readonly bytes: number;
}

/** Another attempt works on the source, or the import was cancelled: this one has to stop. */
export class FetchSupersededError extends Error {
  constructor() {
    super('The import of this source goes on elsewhere, or was cancelled.');
    this.name = 'FetchSupersededError';
  }
}

/** An item whose row is there, and whose job may be added. */
export type PromisedItem = Pick<ImportItemRow, 'importId' | 'source' | 'guid' | 'isFirst'>;

/** What became of a chunk. */
export interface StagedChunk {
  /** Those whose jobs are to be added. */
  readonly promised: readonly PromisedItem[];
  /** How many of them no earlier attempt had. */
  readonly staged: number;
  /** Whether an item is left to the next import, because it changed hands at this very moment or is stored already in a version of this import. */
  readonly isPartial: boolean;
}

type Place = 'staged' | 'kept' | 'repeated' | 'pending' | 'skipped' | 'missed';

const MAX_REJECTIONS = 1_000;
const MAX_DETAIL_CHARACTERS = 500;
const MAX_TRIES = 3;

/** Takes over the items that are new or have changed, a chunk at a time, before their jobs are added. */
@Injectable()
export class ImportStaging {
  constructor(private readonly database: Database) {}

  /**
   * Writes the rows of a chunk and counts it, all or nothing. Throws {@link FetchSupersededError}.
   */
  stage(place: FetchPlace, chunk: ItemChunk): Promise<StagedChunk> {
    return this.database.transaction((transaction) => this.stageWithin(transaction, place, chunk));
  }

  /** As {@link stage}, as a part of a larger transaction. */
  async stageWithin(transaction: Transaction, place: FetchPlace, chunk: ItemChunk): Promise<StagedChunk> {
    const { importId, source, tenant } = place;
    const { items, rejections, bytes } = chunk;
    // Of an item that a chunk has twice the last one holds, as if the chunks were smaller.
    const distinct = new Map(items.map((item) => [itemKeyOf(tenant, source, item.guid), item]));
    const found = await placesOf(transaction, place, distinct);
    const of = (...wanted: Place[]) => found.filter(({ place: one }) => wanted.includes(one)).length;
    // What changes hands at this very moment is left to the next import.
    const missed = distinct.size - found.length;
    const [row] = await transaction
      .update(importSources)
      .set({
        // What an earlier attempt has enqueued is counted already.
        offered: sql`${importSources.offered} + ${items.length + rejections.length - of('kept')}`,
        rejected: sql`${importSources.rejected} + ${rejections.length}`,
        skipped: sql`${importSources.skipped} + ${of('skipped')}`,
        duplicates: sql`${importSources.duplicates} + ${of('repeated', 'pending') + missed + items.length - distinct.size}`,
        enqueued: sql`${importSources.enqueued} + ${of('staged')}`,
        bytes,
        version: sql`${importSources.version} + 1`,
        updatedAt: sql`now()`,
      })
      .where(isOf(place))
      .returning({ rejected: importSources.rejected });
    if (row === undefined) throw new FetchSupersededError();
    await this.keep(transaction, place, rejections, row.rejected - rejections.length);
    const promised = found
      .filter((one) => one.place === 'staged' || one.isOwnQueued)
      .map(({ key, isFirst }) => ({ importId, source, guid: distinct.get(key)!.guid, isFirst }));
    return {
      promised,
      staged: of('staged'),
      isPartial: missed > 0 || found.some(({ isOutdated }) => isOutdated),
    };
  }

  /** Gives jobs of items keys of their own, because other jobs have those that they would have had. */
  async renameJobs(items: readonly PromisedItem[], tenant: string): Promise<void> {
    const ids = sql.param(items.map(({ importId }) => importId));
    const keys = sql.param(items.map(({ source, guid }) => itemKeyOf(tenant, source, guid)));
    await this.database.query.execute(sql`
      UPDATE import_items i SET is_first = false
      FROM unnest(${ids}::uuid[], ${keys}::text[]) AS given(import_id, key)
      WHERE i.import_id = given.import_id AND i.key = given.key AND i.outcome = 'queued'`);
  }

  private async keep(
    transaction: Transaction,
    { importId, source }: FetchPlace,
    rejections: readonly Rejection[],
    before: number,
  ): Promise<void> {
    const kept = rejections.slice(0, Math.max(0, MAX_REJECTIONS - before));
    if (kept.length === 0) return;
    await transaction.insert(importRejections).values(
      kept.map(({ position, reason, detail }) => ({
        importId,
        source,
        position,
        reason,
        detail: detail.replaceAll('\0', '').slice(0, MAX_DETAIL_CHARACTERS),
      })),
    );
  }

  /** Items of this source whose jobs may not have been added, in the order of their keys. */
  async queued(place: FetchPlace, limit: number, afterKey = ''): Promise<(PromisedItem & { key: string })[]> {
    const { importId, source } = place;
    return this.database.query
      .select({
        importId: importItems.importId,
        source: importItems.source,
        guid: importItems.guid,
        isFirst: importItems.isFirst,
        key: importItems.key,
      })
      .from(importItems)
      .where(
        and(
          eq(importItems.importId, importId),
          eq(importItems.source, source),
          eq(importItems.outcome, 'queued'),
          sql`${importItems.key} > ${afterKey}`,
        ),
      )
      .orderBy(importItems.key)
      .limit(limit);
  }
}

interface Staged {
  readonly key: string;
  readonly place: Place;
  readonly isFirst: boolean;
  readonly isOwnQueued: boolean;
  /** Whether this import has stored it in another version. */
  readonly isOutdated: boolean;
}

/** What becomes of each item, without those that are missed again and again. */
async function placesOf(
  transaction: Transaction,
  place: FetchPlace,
  items: ReadonlyMap<string, FeedItem>,
): Promise<Staged[]> {
  const seenAt = Date.now();
  const found: Staged[] = [];
  let rest = [...items];
  for (let tried = 0; rest.length > 0 && tried < MAX_TRIES; tried += 1) {
    const { rows } = await transaction.execute(staging(place, rest, seenAt));
    const settled = (rows as unknown as Staged[]).filter((row) => row.place !== 'missed');
    const keys = new Set(settled.map(({ key }) => key));
    found.push(...settled);
    rest = rest.filter(([key]) => !keys.has(key));
  }
  return found;
}

export function isOf({ importId, source, attempt, status }: FetchPlace) {
  return and(
    eq(importSources.importId, importId),
    eq(importSources.source, source),
    eq(importSources.attempt, attempt),
    eq(importSources.status, status),
  );
}

export function documentOf({
  position: _position,
  fingerprint: _fingerprint,
  ...rest
}: FeedItem): ItemDocument {
  return rest;
}

// `kept`: enqueued by an earlier attempt of this import; `repeated`: by this one; `pending`: another import's job has it
// in hand, and takes it in this version; `missed`: that job has just ended. Rows are locked in the order of their keys, as
// batches do it, so that nobody waits for each other. What is known of an item is looked up by index, item by item, which
// is what LIMIT is for: PostgreSQL would rather read all that waits, or all that is of this import, for each chunk.
function staging(
  { importId, source, attempt }: FetchPlace,
  items: readonly [string, FeedItem][],
  seenAt: number,
) {
  const keys = sql.param(items.map(([key]) => key));
  const guids = sql.param(items.map(([, { guid }]) => guid));
  const fingerprints = sql.param(items.map(([, { fingerprint }]) => fingerprint));
  // One value: an array of PostgreSQL's would have each quotation mark escaped here and read again there.
  const documents = JSON.stringify(items.map(([, item]) => documentOf(item)));
  return sql`
    WITH offered AS MATERIALIZED (
      SELECT o.*, stored.fingerprint AS stored, own.key IS NOT NULL AS is_own, own.attempt AS own_attempt, own.is_first,
        unstored.key IS NULL AS is_unmet,
        CASE WHEN own.key IS NOT NULL THEN own.import_id
          WHEN stored.fingerprint IS DISTINCT FROM o.fingerprint THEN pending.import_id END AS holder
      FROM ROWS FROM (
        unnest(${keys}::text[]), unnest(${guids}::text[]), unnest(${fingerprints}::text[]),
        jsonb_array_elements(${documents}::jsonb)
      ) AS o(key, guid, fingerprint, document)
      LEFT JOIN LATERAL (
        SELECT f.fingerprint FROM feed_items f WHERE f.key = o.key LIMIT 1
      ) stored ON true
      LEFT JOIN LATERAL (
        SELECT i.key, i.import_id, i.attempt, i.is_first FROM import_items i
        WHERE i.import_id = ${importId}::uuid AND i.key = o.key LIMIT 1
      ) own ON true
      LEFT JOIN LATERAL (
        SELECT i.import_id FROM import_items i WHERE i.key = o.key AND i.outcome = 'queued' LIMIT 1
      ) pending ON true
      LEFT JOIN LATERAL (
        SELECT i.key FROM import_items i WHERE i.key = o.key AND i.outcome IN ('failed', 'cancelled') LIMIT 1
      ) unstored ON true
    ), held AS MATERIALIZED (
      SELECT i.import_id, i.key, i.outcome, i.fingerprint
      FROM import_items i JOIN offered o ON o.holder = i.import_id AND o.key = i.key
      ORDER BY i.key FOR UPDATE OF i
    ), touched AS (
      UPDATE import_items i SET
        document = CASE WHEN h.outcome = 'queued' THEN o.document ELSE i.document END,
        seen_at = CASE WHEN h.outcome = 'queued' AND h.fingerprint <> o.fingerprint THEN ${seenAt}::bigint ELSE i.seen_at END,
        fingerprint = CASE WHEN h.outcome = 'queued' THEN o.fingerprint ELSE i.fingerprint END,
        is_shared = i.is_shared OR NOT o.is_own,
        attempt = CASE WHEN o.is_own THEN ${attempt}::integer ELSE i.attempt END
      FROM held h JOIN offered o ON o.key = h.key
      WHERE i.import_id = h.import_id AND i.key = h.key AND (o.is_own OR h.outcome = 'queued')
    ), staged AS (
      INSERT INTO import_items
        (import_id, key, source, guid, is_first, fingerprint, document, seen_at, attempt, updated_at)
      SELECT ${importId}::uuid, o.key, ${source}::text, o.guid,
        o.stored IS NULL AND o.is_unmet, o.fingerprint, o.document, ${seenAt}::bigint, ${attempt}::integer, now()
      FROM offered o
      WHERE NOT o.is_own AND o.stored IS DISTINCT FROM o.fingerprint
        AND NOT EXISTS (SELECT FROM held h WHERE h.key = o.key)
      ORDER BY o.key
      ON CONFLICT DO NOTHING
      RETURNING key, is_first
    )
    SELECT o.key, coalesce(s.is_first, o.is_first, false) AS "isFirst",
      coalesce(o.is_own AND h.outcome = 'queued', false) AS "isOwnQueued",
      coalesce(o.is_own AND h.outcome <> 'queued' AND h.fingerprint <> o.fingerprint, false) AS "isOutdated",
      CASE WHEN s.key IS NOT NULL THEN 'staged'
        WHEN o.is_own AND o.own_attempt < ${attempt}::integer THEN 'kept'
        WHEN o.is_own THEN 'repeated'
        WHEN o.stored = o.fingerprint THEN 'skipped'
        WHEN h.outcome = 'queued' THEN 'pending'
        ELSE 'missed' END AS place
    FROM offered o
    LEFT JOIN staged s ON s.key = o.key
    LEFT JOIN held h ON h.key = o.key`;
}
