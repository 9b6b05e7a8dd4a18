import { Injectable } from '@nestjs/common';
import { and, desc, eq, sql } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import { feedItems, type FeedItemRow } from './feeds.tables';

export interface ItemSearch {
  /** Words as people type them: quotes for a phrase, `or`, a dash for what must not be there. */
  readonly q?: string;
  readonly source?: string;
  readonly from?: Date;
  readonly to?: Date;
}

export interface ItemPosition {
  readonly datedAt: Date;
  readonly number: number;
  readonly key: string;
}

export type FoundItem = Omit<FeedItemRow, 'search'>;

const columns = {
  key: feedItems.key,
  tenant: feedItems.tenant,
  source: feedItems.source,
  guid: feedItems.guid,
  fingerprint: feedItems.fingerprint,
  document: feedItems.document,
  datedAt: feedItems.datedAt,
  importId: feedItems.importId,
  seenAt: feedItems.seenAt,
  createdAt: feedItems.createdAt,
  updatedAt: feedItems.updatedAt,
  number: feedItems.number,
};

/** What was imported. */
@Injectable()
export class FeedItems {
  constructor(private readonly database: Database) {}

  /** The newest first, by the date of their publication. */
  async search(
    tenant: string,
    { q, source, from, to }: ItemSearch,
    limit: number,
    after?: ItemPosition,
  ): Promise<FoundItem[]> {
    return this.database.query
      .select(columns)
      .from(feedItems)
      .where(
        and(
          eq(feedItems.tenant, tenant),
          source === undefined ? undefined : eq(feedItems.source, source),
          q === undefined ? undefined : sql`${feedItems.search} @@ websearch_to_tsquery('simple', ${q})`,
          from === undefined ? undefined : sql`${feedItems.datedAt} >= ${timeOf(from)}::timestamptz`,
          to === undefined ? undefined : sql`${feedItems.datedAt} < ${timeOf(to)}::timestamptz`,
          after === undefined
            ? undefined
            : sql`(${feedItems.datedAt}, ${feedItems.number}, ${feedItems.key}) < (${after.datedAt.toISOString()}::timestamptz, ${after.number}::bigint, ${after.key}::text)`,
        ),
      )
      .orderBy(desc(feedItems.datedAt), desc(feedItems.number), desc(feedItems.key))
      .limit(limit);
  }

  async find(key: string, tenant: string): Promise<FoundItem | undefined> {
    const [found] = await this.database.query
      .select(columns)
      .from(feedItems)
      .where(and(eq(feedItems.key, key), eq(feedItems.tenant, tenant)));
    return found;
  }
}

// PostgreSQL has neither a year 0 nor the way in which JavaScript writes the year 10000.
const earliest = new Date('0001-01-01T00:00:00.000Z');
const latest = new Date('9999-12-31T23:59:59.999Z');

function timeOf(date: Date): string {
  return (date < earliest ? earliest : date > latest ? latest : date).toISOString();
}
