import { Injectable } from '@nestjs/common';
import { and, eq, inArray, isNotNull, or, sql } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import {
  feedSources,
  importRejections,
  importSources,
  type FeedSourceRow,
  type ImportSourceRow,
} from './feeds.tables';
import { isSourceRunning, SourceRunningError } from './import-run.store';
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
  /** Whether something of the answer could not be taken yet, so that it has to be asked for again in full. */
  readonly isPartial?: boolean;
}

const MAX_TEXT_CHARACTERS = 500;

/** The part of a fetch in the row of its source. */
@Injectable()
export class ImportFetches {
  constructor(private readonly database: Database) {}

  /**
   * Takes the source over from earlier attempts and counts anew, from the items that those have enqueued; one that has
   * failed as well, when the dead letter of its job was sent back. Undefined when it is over, when there is none, and for
   * any job but its own. Throws {@link SourceRunningError} when another import has the source by now.
   */
  async begin(importId: string, source: string, jobId: string): Promise<FetchOrder | undefined> {
    try {
      return await this.takeOver(importId, source, jobId);
    } catch (error) {
      throw isSourceRunning(error) ? new SourceRunningError([source]) : error;
    }
  }

  private takeOver(importId: string, source: string, jobId: string): Promise<FetchOrder | undefined> {
    return this.database.transaction(async (transaction) => {
      const [row] = await transaction
        .update(importSources)
        .set({
          status: 'fetching',
          attempt: sql`${importSources.attempt} + 1`,
          // Items that came with the request were counted when they were staged.
          offered: ifFetched(importSources.enqueued, importSources.offered),
          rejected: ifFetched(sql`0`, importSources.rejected),
          skipped: ifFetched(sql`0`, importSources.skipped),
          duplicates: ifFetched(sql`0`, importSources.duplicates),
          error: null,
          broken: null,
          startedAt: sql`coalesce(${importSources.startedAt}, now())`,
          finishedAt: null,
          ...changed,
        })
        .where(
          and(
            eq(importSources.importId, importId),
            eq(importSources.source, source),
            eq(importSources.jobId, jobId),
            or(
              inArray(importSources.status, ['queued', 'fetching']),
              and(inArray(importSources.status, ['importing', 'failed']), isNotNull(importSources.error)),
            ),
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
        .returning({ sourceId: importSources.sourceId, failed: importSources.failed });
      if (row === undefined) throw new FetchSupersededError();
      const isWhole = end.error === undefined && end.broken === undefined && end.isPartial !== true;
      if (!isWhole || end.notModified === true || row.failed > 0 || row.sourceId === null) return;
      await transaction
        .update(feedSources)
        .set({ etag: end.etag ?? null, lastModified: end.lastModified ?? null })
        .where(eq(feedSources.id, row.sourceId));
    });
  }

  /** Ends a fetch whose job will not run any more; what it has counted stays. */
  async abandon(importId: string, source: string, jobId: string, error: string): Promise<void> {
    const [row] = await this.database.query
      .update(importSources)
      .set({ status: 'fetching', attempt: sql`${importSources.attempt} + 1`, ...changed })
      .where(
        and(
          eq(importSources.importId, importId),
          eq(importSources.source, source),
          eq(importSources.jobId, jobId),
          inArray(importSources.status, ['queued', 'fetching']),
        ),
      )
      .returning({ tenant: importSources.tenant, attempt: importSources.attempt });
    if (row !== undefined) await this.end({ importId, source, ...row, status: 'fetching' }, { error });
  }
}

const changed = { updatedAt: sql`now()`, version: sql`${importSources.version} + 1` };

function ifFetched(value: unknown, otherwise: unknown) {
  return sql`CASE WHEN ${importSources.url} IS NULL THEN ${otherwise} ELSE ${value} END`;
}

function bounded(text: string): string {
  return text.replaceAll('\0', '').slice(0, MAX_TEXT_CHARACTERS);
}
