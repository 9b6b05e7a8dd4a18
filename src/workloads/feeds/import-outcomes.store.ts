import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { Database, type Transaction } from '../../platform/database/database.service';
import type { ItemOutcome } from './feeds.tables';

/** An item of an import, as its row is found. */
export interface ImportedItem {
  readonly importId: string;
  readonly key: string;
}

interface Settled extends ImportedItem {
  readonly outcome: ItemOutcome;
}

const MAX_ERROR_CHARACTERS = 500;

/** What becomes of enqueued items. Whoever settles one also counts it, in the same transaction and only once. */
@Injectable()
export class ImportOutcomes {
  constructor(private readonly database: Database) {}

  /**
   * Stores items that are new, or newer and different, and settles their rows; all in one statement, or none.
   * Rows that are settled already, by an earlier start of their job, are answered as they are.
   * The outcome of each by `<import> <key>`, without those that have no row.
   */
  async store(items: readonly ImportedItem[]): Promise<ReadonlyMap<string, ItemOutcome>> {
    const ids = items.map(({ importId }) => importId);
    const keys = items.map(({ key }) => key);
    // In no transaction of its own: the counters of a source would stay locked until this process says that it ends.
    const settled = await this.database.statement<Settled>(STORE, [ids, keys]);
    return new Map(settled.map(({ importId, key, outcome }) => [`${importId} ${key}`, outcome]));
  }

  /** Notes that the jobs of items have failed for good; of those that are settled otherwise nothing is changed. */
  async fail(items: readonly ImportedItem[], error: string): Promise<void> {
    if (items.length === 0) return;
    await this.database.transaction((transaction) => failing(transaction, items, error));
  }
}

const GIVEN = 'unnest($1::uuid[], $2::text[]) AS given(import_id, key)';

const IS_OVER = `(s.status = 'importing' AND s.created + s.updated + s.unchanged + s.failed + n.settled >= s.enqueued)`;

// In the order of their keys, so that two batches never wait for each other.
const COUNTED = `
  numbers AS (
    SELECT import_id, source,
      count(*) FILTER (WHERE outcome = 'created')::integer AS created,
      count(*) FILTER (WHERE outcome = 'updated')::integer AS updated,
      count(*) FILTER (WHERE outcome = 'unchanged')::integer AS unchanged,
      (count(*) FILTER (WHERE outcome = 'failed') - count(*) FILTER (WHERE had_failed))::integer AS failed,
      (count(*) - count(*) FILTER (WHERE had_failed))::integer AS settled
    FROM settled GROUP BY import_id, source
  ), locked AS MATERIALIZED (
    SELECT s.import_id, s.source FROM import_sources s JOIN numbers n USING (import_id, source)
    ORDER BY s.import_id, s.source FOR UPDATE OF s
  ), counted AS (
    UPDATE import_sources s SET
      created = s.created + n.created, updated = s.updated + n.updated, unchanged = s.unchanged + n.unchanged,
      failed = s.failed + n.failed, version = s.version + 1, updated_at = now(),
      status = CASE WHEN ${IS_OVER} THEN CASE WHEN s.error IS NULL THEN 'completed' ELSE 'failed' END ELSE s.status END,
      finished_at = CASE WHEN ${IS_OVER} THEN now() ELSE s.finished_at END
    FROM numbers n, locked l
    WHERE l.import_id = n.import_id AND l.source = n.source AND s.import_id = n.import_id AND s.source = n.source
    RETURNING s.tenant, s.source
  )`;

// Items of a cancelled import are dropped, unless others rely on them. An item whose dead letter is sent back is stored
// as well; then it has failed no longer.
const STORE = `
    WITH named AS (
      SELECT DISTINCT import_id, key FROM ${GIVEN}
    ), found AS MATERIALIZED (
      SELECT i.*, s.tenant, coalesce(
        i.outcome IN ('queued', 'failed') AND i.document IS NOT NULL
          AND (s.status <> 'cancelled' OR i.outcome = 'failed' OR i.is_shared), false) AS is_wanted
      FROM import_items i JOIN named n ON n.import_id = i.import_id AND n.key = i.key
      LEFT JOIN import_sources s ON s.import_id = i.import_id AND s.source = i.source
      ORDER BY i.key, i.import_id FOR UPDATE OF i
    ), dropped AS (
      UPDATE import_items i SET outcome = 'cancelled', updated_at = now()
      FROM found f
      WHERE i.import_id = f.import_id AND i.key = f.key AND f.outcome = 'queued' AND NOT f.is_wanted
      RETURNING i.import_id, i.key, i.outcome
    ), stored AS (
      INSERT INTO feed_items AS item
        (key, tenant, source, guid, fingerprint, document, dated_at, import_id, seen_at, created_at, updated_at)
      SELECT key, tenant, source, guid, fingerprint, document,
        coalesce((document ->> 'publishedAt')::timestamptz, to_timestamp(seen_at / 1000.0)),
        import_id, seen_at, date_trunc('milliseconds', now()), date_trunc('milliseconds', now())
      FROM found WHERE is_wanted ORDER BY key
      ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, document = excluded.document,
        dated_at = CASE WHEN excluded.document ->> 'publishedAt' IS NULL THEN item.dated_at ELSE excluded.dated_at END,
        import_id = excluded.import_id, seen_at = excluded.seen_at, updated_at = excluded.updated_at
      WHERE item.fingerprint <> excluded.fingerprint AND item.seen_at <= excluded.seen_at
      RETURNING item.key, item.import_id, (xmax = 0) AS is_new
    ), settled AS (
      UPDATE import_items i SET document = NULL, error = NULL, updated_at = now(),
        outcome = CASE WHEN s.key IS NULL THEN 'unchanged' WHEN s.is_new THEN 'created' ELSE 'updated' END
      FROM found f LEFT JOIN stored s ON s.key = f.key AND s.import_id = f.import_id
      WHERE f.is_wanted AND i.import_id = f.import_id AND i.key = f.key
      RETURNING i.import_id, i.key, i.source, i.outcome, f.outcome = 'failed' AS had_failed
    ), ${COUNTED}
    SELECT import_id AS "importId", key, outcome FROM settled
    UNION ALL
    SELECT import_id, key, outcome FROM dropped
    UNION ALL
    SELECT import_id, key, outcome FROM found WHERE NOT is_wanted AND outcome <> 'queued'`;

// The source has to send the item again, also where it has nothing new.
function failing(transaction: Transaction, items: readonly ImportedItem[], error: string) {
  return transaction.execute(sql`
    WITH named AS (
      SELECT DISTINCT import_id, key FROM ${rowsOf(items)}
    ), settled AS (
      UPDATE import_items i SET outcome = 'failed', updated_at = now(),
        error = ${error.replaceAll('\0', '').slice(0, MAX_ERROR_CHARACTERS)}
      FROM named n WHERE i.import_id = n.import_id AND i.key = n.key AND i.outcome = 'queued'
      RETURNING i.import_id, i.key, i.source, i.outcome, false AS had_failed
    ), ${sql.raw(COUNTED)}, forgotten AS (
      UPDATE feed_sources f SET etag = NULL, last_modified = NULL
      FROM counted c WHERE f.tenant = c.tenant AND f.name = c.source
    )
    SELECT count(*) FROM settled`);
}

function rowsOf(items: readonly ImportedItem[]) {
  const ids = sql.param(items.map(({ importId }) => importId));
  const keys = sql.param(items.map(({ key }) => key));
  return sql`unnest(${ids}::uuid[], ${keys}::text[]) AS given(import_id, key)`;
}
