import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { randomUUID } from 'node:crypto';
import { violates } from '../../platform/database/constraint-violation';
import { Database, type Transaction } from '../../platform/database/database.service';
import { nextTurn } from '../../platform/schedules/cron-turns';
import { feedSources, type FeedSourceRow } from './feeds.tables';

/** What the owner of a source decides. */
export type SourceWish = Pick<
  FeedSourceRow,
  | 'name'
  | 'url'
  | 'mapping'
  | 'paging'
  | 'headers'
  | 'schedule'
  | 'timeZone'
  | 'jitterSeconds'
  | 'rateMax'
  | 'rateDurationMs'
  | 'enabled'
>;

export interface SourcePosition {
  readonly createdAt: Date;
  readonly id: string;
}

/** A tenant has a source of that name already. */
export class SourceNameTakenError extends Error {
  constructor(name: string) {
    super(`There is a source "${name.slice(0, 100)}" already.`);
    this.name = 'SourceNameTakenError';
  }
}

/** Feeds that are imported again and again. */
@Injectable()
export class FeedSources {
  constructor(private readonly database: Database) {}

  /** Throws {@link SourceNameTakenError}. */
  async create(tenant: string, wish: SourceWish): Promise<FeedSourceRow> {
    const now = new Date();
    const id = randomUUID();
    return named(wish.name, async () => {
      const [row] = await this.database.query
        .insert(feedSources)
        .values({ id, tenant, ...wish, nextRunAt: nextOf(id, wish, now), createdAt: now, updatedAt: now })
        .returning();
      return row!;
    });
  }

  /** Undefined for anything that is not the id of a source of this tenant. */
  async find(id: string, tenant: string): Promise<FeedSourceRow | undefined> {
    if (!isUUID(id)) return undefined;
    const [row] = await this.database.query
      .select()
      .from(feedSources)
      .where(and(eq(feedSources.id, id), eq(feedSources.tenant, tenant)));
    return row;
  }

  /** Those of these names that exist. */
  async named(names: readonly string[], tenant: string): Promise<FeedSourceRow[]> {
    if (names.length === 0) return [];
    return this.database.query
      .select()
      .from(feedSources)
      .where(and(eq(feedSources.tenant, tenant), inArray(feedSources.name, [...names])));
  }

  /** The oldest first. */
  async list(
    tenant: string,
    limit: number,
    { after, isEnabled }: { readonly after?: SourcePosition; readonly isEnabled?: boolean } = {},
  ): Promise<FeedSourceRow[]> {
    return this.database.query
      .select()
      .from(feedSources)
      .where(
        and(
          eq(feedSources.tenant, tenant),
          isEnabled === undefined ? undefined : eq(feedSources.enabled, isEnabled),
          after === undefined
            ? undefined
            : sql`(${feedSources.createdAt}, ${feedSources.id}) > (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`,
        ),
      )
      .orderBy(asc(feedSources.createdAt), asc(feedSources.id))
      .limit(limit);
  }

  /** Undefined when the source has changed since that version. Throws {@link SourceNameTakenError}. */
  async update(before: FeedSourceRow, wish: SourceWish): Promise<FeedSourceRow | undefined> {
    const now = new Date();
    const isOther = wish.url !== before.url || wish.name !== before.name;
    return named(wish.name, async () => {
      const [row] = await this.database.query
        .update(feedSources)
        .set({
          ...wish,
          nextRunAt: nextOf(before.id, wish, now),
          // What another address said of itself says nothing of this one.
          ...(isOther && { etag: null, lastModified: null }),
          version: sql`${feedSources.version} + 1`,
          updatedAt: now,
        })
        .where(and(eq(feedSources.id, before.id), eq(feedSources.version, before.version)))
        .returning();
      return row;
    });
  }

  /** Its items stay. */
  async remove({ id, version }: FeedSourceRow): Promise<boolean> {
    const removed = await this.database.query
      .delete(feedSources)
      .where(and(eq(feedSources.id, id), eq(feedSources.version, version)))
      .returning({ id: feedSources.id });
    return removed.length > 0;
  }

  /** Sources whose time has come; held for this transaction, so that nobody else takes them. */
  async due(transaction: Transaction, limit: number): Promise<FeedSourceRow[]> {
    return transaction
      .select()
      .from(feedSources)
      .where(and(eq(feedSources.enabled, true), sql`${feedSources.nextRunAt} <= now()`))
      .orderBy(asc(feedSources.nextRunAt))
      .limit(limit)
      .for('update', { skipLocked: true });
  }

  /**
   * Runs that were missed are one run: the next one is in the future. A schedule that has none any more keeps nobody else
   * waiting.
   */
  async planNext(transaction: Transaction, source: FeedSourceRow): Promise<void> {
    await transaction
      .update(feedSources)
      .set({ nextRunAt: nextIfAny(source) })
      .where(eq(feedSources.id, source.id));
  }
}

function nextIfAny(source: FeedSourceRow): Date | null {
  try {
    return nextOf(source.id, source, new Date());
  } catch {
    return null;
  }
}

function nextOf(
  id: string,
  {
    schedule,
    timeZone,
    jitterSeconds,
    enabled,
  }: Pick<SourceWish, 'schedule' | 'timeZone' | 'jitterSeconds' | 'enabled'>,
  after: Date,
): Date | null {
  if (schedule === null || !enabled) return null;
  return nextTurn(id, { expression: schedule, timeZone, jitterSeconds }, after.getTime());
}

async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (violates(error, 'feed_sources_name')) throw new SourceNameTakenError(name);
    throw error;
  }
}
