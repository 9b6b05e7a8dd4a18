import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { randomUUID } from 'node:crypto';
import { Settings } from '../../config/settings';
import { violates } from '../../platform/database/constraint-violation';
import { Database, type Transaction } from '../../platform/database/database.service';
import { oneAtATime } from '../../platform/database/one-at-a-time';
import { MAX_OWN_LIMITS_OF_TENANT } from '../../platform/key-limits/key-limit-store.service';
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

/** A tenant has as many sources, or as many with a rate of their own, as it may. */
export class TooManySourcesError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TooManySourcesError';
  }
}

/** Feeds that are imported again and again. */
@Injectable()
export class FeedSources {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  /** Throws {@link SourceNameTakenError} and {@link TooManySourcesError}. */
  async create(tenant: string, wish: SourceWish): Promise<FeedSourceRow> {
    const now = new Date();
    const id = randomUUID();
    return this.written(wish.name, async (transaction) => {
      await this.assertRoom(transaction, tenant, { isNew: true, hasNewRate: wish.rateMax !== null });
      const [row] = await transaction
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

  /** Undefined when the source has changed since that version. Throws as {@link create} does. */
  async update(before: FeedSourceRow, wish: SourceWish): Promise<FeedSourceRow | undefined> {
    const now = new Date();
    const isOther = wish.url !== before.url || wish.name !== before.name;
    return this.written(wish.name, async (transaction) => {
      if (wish.rateMax !== null && before.rateMax === null) {
        await this.assertRoom(transaction, before.tenant, { isNew: false, hasNewRate: true });
      }
      const [row] = await transaction
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
   * waiting; the answer is null then.
   */
  async planNext(transaction: Transaction, source: FeedSourceRow): Promise<Date | null> {
    const nextRunAt = nextIfAny(source);
    await transaction.update(feedSources).set({ nextRunAt }).where(eq(feedSources.id, source.id));
    return nextRunAt;
  }

  private async written<T>(name: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.database.transaction(work);
    } catch (error) {
      if (violates(error, 'feed_sources_name')) throw new SourceNameTakenError(name);
      throw error;
    }
  }

  private async assertRoom(
    transaction: Transaction,
    tenant: string,
    { isNew, hasNewRate }: { readonly isNew: boolean; readonly hasNewRate: boolean },
  ): Promise<void> {
    await oneAtATime(transaction, `feed sources of ${tenant}`);
    const [found] = await transaction
      .select({
        sources: sql<number>`count(*)::int`,
        rates: sql<number>`count(${feedSources.rateMax})::int`,
      })
      .from(feedSources)
      .where(eq(feedSources.tenant, tenant));
    const { sources = 0, rates = 0 } = found ?? {};
    const most = this.settings.FEED_SOURCES_PER_TENANT;
    if (isNew && sources >= most) {
      throw new TooManySourcesError(`A tenant may have ${most} sources (FEED_SOURCES_PER_TENANT).`);
    }
    if (hasNewRate && rates >= MAX_OWN_LIMITS_OF_TENANT) {
      throw new TooManySourcesError(
        `${MAX_OWN_LIMITS_OF_TENANT} sources of a tenant may have a rate of their own: take "rate" from another.`,
      );
    }
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
