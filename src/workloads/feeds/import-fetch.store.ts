import { Injectable } from '@nestjs/common';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import {
  feedSources,
  importRejections,
  importSources,
  unfinishedImports,
  type FeedSourceRow,
  type ImportSourceRow,
} from './feeds.tables';
import { FetchSupersededError, isOf, type FetchPlace } from './import-staging.store';

/** What a fetch has to do, and as whom. */
export interface FetchOrder {
  readonly place: FetchPlace;
  readonly row: ImportSourceRow;
  /** None where the address or the items came with the request. */
  readonly stored?: FeedSourceRow;
  /** Whether its stored source is gone. */
  readonly isOrphan: boolean;
}

/** How a fetch has ended, whatever its items do. */
export interface FetchEnd {
  readonly notModified?: boolean;
  readonly etag?: string | null;
  readonly lastModified?: string | null;
  /** Where the document breaks. */
  readonly broken?: string;
  /** Why the source failed; items before stay. */
  readonly error?: string;
}

const MAX_TEXT_CHARACTERS = 500;

/** The part of a fetch in the row of its source. */
@Injectable()
export class ImportFetches {
  constructor(private readonly database: Database) {}

  /** Takes the source over from earlier attempts and counts anew; undefined when it is over, or there is none. */
  async begin(importId: string, source: string): Promise<FetchOrder | undefined> {
    return this.database.transaction(async (transaction) => {
      const [row] = await transaction
        .update(importSources)
        .set({
          status: 'fetching',
          attempt: sql`${importSources.attempt} + 1`,
          // Items that came with the request were counted when they were staged.
          ...onlyFetched(importSources.offered, 'offered'),
          ...onlyFetched(importSources.rejected, 'rejected'),
          ...onlyFetched(importSources.skipped, 'skipped'),
          ...onlyFetched(importSources.duplicates, 'duplicates'),
          error: null,
          broken: null,
          startedAt: sql`coalesce(${importSources.startedAt}, now())`,
          ...changed,
        })
        .where(
          and(
            eq(importSources.importId, importId),
            eq(importSources.source, source),
            inArray(importSources.status, ['queued', 'fetching']),
          ),
        )
        .returning();
      if (row === undefined) return undefined;
      if (row.url !== null) {
        await transaction
          .delete(importRejections)
          .where(and(eq(importRejections.importId, importId), eq(importRejections.source, source)));
      }
      const { tenant, attempt, sourceId } = row;
      const [stored] =
        sourceId === null
          ? []
          : await transaction.select().from(feedSources).where(eq(feedSources.id, sourceId));
      return {
        place: { importId, source, tenant, attempt, status: 'fetching' },
        row,
        ...(stored !== undefined && { stored }),
        isOrphan: sourceId !== null && stored === undefined,
      };
    });
  }

  /** Throws {@link FetchSupersededError}. */
  async describe(place: FetchPlace, format: string, title: string | null): Promise<void> {
    const rows = await this.database.query
      .update(importSources)
      .set({ format, title: title === null ? null : bounded(title), ...changed })
      .where(isOf(place))
      .returning({ source: importSources.source });
    if (rows.length === 0) throw new FetchSupersededError();
  }

  /** Counts one more time that the source asked to come back later; false once it has asked too often. */
  async postpone(place: FetchPlace, most: number): Promise<boolean> {
    const rows = await this.database.query
      .update(importSources)
      .set({ status: 'queued', postponed: sql`${importSources.postponed} + 1`, ...changed })
      .where(and(isOf(place), sql`${importSources.postponed} < ${most}`))
      .returning({ source: importSources.source });
    return rows.length > 0;
  }

  /**
   * Ends the fetch. The source is over once its items are; what the answer said of itself is kept for the next time
   * only when all of it was taken. Throws {@link FetchSupersededError}.
   */
  async end(place: FetchPlace, end: FetchEnd): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const isSettled = sql`${importSources.created} + ${importSources.updated} + ${importSources.unchanged} + ${importSources.failed} >= ${importSources.enqueued}`;
      const ended = end.error === undefined ? 'completed' : 'failed';
      const [row] = await transaction
        .update(importSources)
        .set({
          status: sql`CASE WHEN ${isSettled} THEN ${ended} ELSE 'importing' END`,
          finishedAt: sql`CASE WHEN ${isSettled} THEN now() END`,
          notModified: end.notModified ?? false,
          error: end.error === undefined ? null : bounded(end.error),
          broken: end.broken === undefined ? null : bounded(end.broken),
          ...changed,
        })
        .where(isOf(place))
        .returning({ sourceId: importSources.sourceId });
      if (row === undefined) throw new FetchSupersededError();
      const isWhole = end.error === undefined && end.broken === undefined && end.notModified !== true;
      if (!isWhole || row.sourceId === null) return;
      await transaction
        .update(feedSources)
        .set({ etag: end.etag ?? null, lastModified: end.lastModified ?? null })
        .where(eq(feedSources.id, row.sourceId));
    });
  }

  /** Ends a fetch whose job will not run any more. */
  async abandon(importId: string, source: string, error: string): Promise<void> {
    const [row] = await this.database.query
      .select()
      .from(importSources)
      .where(
        and(
          eq(importSources.importId, importId),
          eq(importSources.source, source),
          inArray(importSources.status, [...unfinishedImports]),
        ),
      );
    if (row === undefined || row.status === 'importing') return;
    const order = await this.begin(importId, source);
    if (order !== undefined) await this.end(order.place, { error });
  }
}

const changed = { updatedAt: sql`now()`, version: sql`${importSources.version} + 1` };

function onlyFetched<Name extends string>(column: unknown, name: Name) {
  return { [name]: sql`CASE WHEN ${importSources.url} IS NULL THEN ${column} ELSE 0 END` } as Record<
    Name,
    ReturnType<typeof sql>
  >;
}

function bounded(text: string): string {
  return text.replaceAll('\0', '').slice(0, MAX_TEXT_CHARACTERS);
}
