import { Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import type { FeedItem } from '../../integrations/feeds/feed-item';
import { Database, type Transaction } from '../../platform/database/database.service';
import type { PromisedItem } from './feed-import/feed-import.producer';
import { importItems, importRejections, importSources, type ItemDocument } from './feeds.tables';
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

type Place = 'staged' | 'own' | 'replaced' | 'pending' | 'skipped' | 'missed';

const MAX_REJECTIONS = 1_000;
const MAX_DETAIL_CHARACTERS = 500;
const MAX_TRIES = 3;

/** Takes over the items that are new or have changed, a chunk at a time, before their jobs are added. */
@Injectable()
export class ImportStaging {
  constructor(private readonly database: Database) {}

  /**
   * Writes the rows of a chunk and counts it, all or nothing; answers with those whose jobs are to be added.
   * Throws {@link FetchSupersededError}.
   */
  stage(place: FetchPlace, chunk: ItemChunk): Promise<PromisedItem[]> {
    return this.database.transaction((transaction) => this.stageWithin(transaction, place, chunk));
  }

  /** As {@link stage}, as a part of a larger transaction. */
  async stageWithin(transaction: Transaction, place: FetchPlace, chunk: ItemChunk): Promise<PromisedItem[]> {
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
        offered: sql`${importSources.offered} + ${items.length + rejections.length}`,
        rejected: sql`${importSources.rejected} + ${rejections.length}`,
        skipped: sql`${importSources.skipped} + ${of('skipped')}`,
        duplicates: sql`${importSources.duplicates} + ${of('replaced', 'pending') + missed + items.length - distinct.size}`,
        enqueued: sql`${importSources.enqueued} + ${of('staged')}`,
        bytes,
        version: sql`${importSources.version} + 1`,
        updatedAt: sql`now()`,
      })
      .where(isOf(place))
      .returning({ rejected: importSources.rejected });
    if (row === undefined) throw new FetchSupersededError();
    await this.keep(transaction, place, rejections, row.rejected - rejections.length);
    return found
      .filter((one) => one.place === 'staged' || (one.place === 'own' && one.isQueued))
      .map(({ key, isFirst }) => ({ importId, source, guid: distinct.get(key)!.guid, isFirst }));
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
  readonly isQueued: boolean;
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

// `own`: by an earlier attempt of this import; `replaced`, `pending`: another import's job has it in hand, with other
// content or the same; `missed`: that job has just ended.
function staging({ importId, source }: FetchPlace, items: readonly [string, FeedItem][], seenAt: number) {
  const keys = sql.param(items.map(([key]) => key));
  const guids = sql.param(items.map(([, { guid }]) => guid));
  const fingerprints = sql.param(items.map(([, { fingerprint }]) => fingerprint));
  const documents = sql.param(items.map(([, item]) => JSON.stringify(documentOf(item))));
  return sql`
    WITH offered AS MATERIALIZED (
      SELECT o.*, stored.fingerprint AS stored, own.outcome AS own
      FROM unnest(${keys}::text[], ${guids}::text[], ${fingerprints}::text[], ${documents}::jsonb[])
        AS o(key, guid, fingerprint, document)
      LEFT JOIN feed_items stored ON stored.key = o.key
      LEFT JOIN import_items own ON own.import_id = ${importId}::uuid AND own.key = o.key
    ), fresh AS (
      SELECT * FROM offered WHERE own IS NULL AND stored IS DISTINCT FROM fingerprint
    ), pending AS (
      SELECT i.key, i.fingerprint FROM import_items i JOIN fresh f ON f.key = i.key WHERE i.outcome = 'queued'
    ), replaced AS (
      UPDATE import_items i SET document = f.document, fingerprint = f.fingerprint, seen_at = ${seenAt}::bigint
      FROM fresh f WHERE i.key = f.key AND i.outcome = 'queued' AND i.fingerprint <> f.fingerprint
      RETURNING i.key
    ), staged AS (
      INSERT INTO import_items (import_id, key, source, guid, is_first, fingerprint, document, seen_at, updated_at)
      SELECT ${importId}::uuid, f.key, ${source}::text, f.guid,
        f.stored IS NULL AND NOT EXISTS (
          SELECT FROM import_items i WHERE i.key = f.key AND i.outcome IN ('failed', 'cancelled')
        ), f.fingerprint, f.document, ${seenAt}::bigint, now()
      FROM fresh f WHERE NOT EXISTS (SELECT FROM pending p WHERE p.key = f.key)
      ORDER BY f.key
      ON CONFLICT DO NOTHING
      RETURNING key, is_first
    )
    SELECT o.key, coalesce(s.is_first, own.is_first, false) AS "isFirst",
      coalesce(o.own = 'queued', false) AS "isQueued",
      CASE WHEN s.key IS NOT NULL THEN 'staged'
        WHEN o.own IS NOT NULL THEN 'own'
        WHEN r.key IS NOT NULL THEN 'replaced'
        WHEN o.stored = o.fingerprint THEN 'skipped'
        WHEN p.fingerprint = o.fingerprint THEN 'pending'
        ELSE 'missed' END AS place
    FROM offered o
    LEFT JOIN staged s ON s.key = o.key
    LEFT JOIN replaced r ON r.key = o.key
    LEFT JOIN pending p ON p.key = o.key
    LEFT JOIN import_items own ON own.import_id = ${importId}::uuid AND own.key = o.key`;
}
