import { Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import type { FeedItem } from '../../integrations/feeds/feed-item';
import { Database, type Transaction } from '../../platform/database/database.service';
import { hasSqlState } from '../../platform/database/sql-state';
import { importItems, importSources, type ImportItemRow, type ItemDocument } from './feeds.tables';
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

const MAX_DETAIL_CHARACTERS = 500;
const MAX_TRIES = 3;
/** How many rejected items of a source are kept with their reasons; all of them are counted. */
const MAX_REJECTIONS = 1_000;
// What it does is told in migration 0003, and which letters it answers.
const STAGE = `
  SELECT stage_import_items($1::uuid, $2::text, $3::integer, $4::text, $5::bigint, $6::text[], $7::text[], $8::text[],
    $9::jsonb, $10::jsonb, $11::integer, $12::integer, $13::integer, $14::bigint, $15::boolean) AS codes`;
const SUPERSEDED = 'HF001';

/** Takes over the items that are new or have changed, a chunk at a time, before their jobs are added. */
@Injectable()
export class ImportStaging {
  constructor(private readonly database: Database) {}

  /**
   * Writes the rows of a chunk and counts it; as a part of a transaction where one is given, else each step on its own.
   * Throws {@link FetchSupersededError}, having written nothing.
   */
  async stage(place: FetchPlace, chunk: ItemChunk, transaction?: Transaction): Promise<StagedChunk> {
    const { importId, source, tenant } = place;
    const { items, rejections } = chunk;
    // Of an item that a chunk has twice the last one holds, as if the chunks were smaller.
    const distinct = new Map(items.map((item) => [itemKeyOf(tenant, source, item.guid), item]));
    const promised: PromisedItem[] = [];
    let [staged, isPartial] = [0, false];
    let rest = [...distinct];
    let others: Others = { twice: items.length - distinct.size, rejections, bytes: chunk.bytes };
    // What changes hands at this very moment is tried again, and left to the next import in the end.
    for (let left = MAX_TRIES; left > 0; left -= 1) {
      const codes = await this.put(place, rest, { ...others, isLast: left === 1 }, transaction);
      const missed: typeof rest = [];
      rest.forEach((one, at) => {
        const code = codes[at]!;
        if (/[sp]/i.test(code))
          promised.push({ importId, source, guid: one[1].guid, isFirst: /[SP]/.test(code) });
        if (/s/i.test(code)) staged += 1;
        if (code === 'o') isPartial = true;
        if (code === 'm') missed.push(one);
      });
      rest = missed;
      if (rest.length === 0) break;
      others = { ...others, twice: 0, rejections: [] };
    }
    return { promised, staged, isPartial: isPartial || rest.length > 0 };
  }

  /** One letter for each item, as `stage_import_items` explains them. */
  private async put(
    { importId, source, attempt, status }: FetchPlace,
    items: readonly [key: string, item: FeedItem][],
    { twice, rejections, bytes, isLast }: Others & { readonly isLast: boolean },
    transaction: Transaction | undefined,
  ): Promise<string> {
    const values = [
      importId,
      source,
      attempt,
      status,
      Date.now(),
      items.map(([key]) => key),
      items.map(([, { guid }]) => guid),
      items.map(([, { fingerprint }]) => fingerprint),
      // One value: an array of PostgreSQL's would have each quotation mark escaped here and read again there.
      JSON.stringify(items.map(([, item]) => documentOf(item))),
      JSON.stringify(rejections.map(keptOf)),
      rejections.length,
      MAX_REJECTIONS,
      twice,
      bytes,
      isLast,
    ];
    try {
      const [row] = await this.database.statement<{ codes: string }>(STAGE, values, transaction);
      return row!.codes;
    } catch (error) {
      if (hasSqlState(error, SUPERSEDED)) throw new FetchSupersededError();
      throw error;
    }
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

/** What a chunk has beside the items to be looked at. */
interface Others {
  /** Items that the chunk itself has twice. */
  readonly twice: number;
  readonly rejections: readonly Rejection[];
  readonly bytes: number;
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

// PostgreSQL takes no JSON with a NUL or half a character in it.
function keptOf({ position, reason, detail }: Rejection): Rejection {
  const text = detail.replaceAll('\0', '').slice(0, MAX_DETAIL_CHARACTERS).toWellFormed();
  return { position, reason, detail: text };
}
