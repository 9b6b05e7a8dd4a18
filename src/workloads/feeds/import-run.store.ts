import { Injectable } from '@nestjs/common';
import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import { randomUUID } from 'node:crypto';
import type { FeedPagingDto } from '../../integrations/feeds/feed-paging.dto';
import type { JsonMappingDto } from '../../integrations/feeds/json-mapping.dto';
import { violates } from '../../platform/database/constraint-violation';
import { Database, type Transaction } from '../../platform/database/database.service';
import { Outbox } from '../../platform/outbox/outbox.service';
import { jobId } from '../../platform/queue/job-id';
import {
  importItems,
  importRejections,
  imports,
  importSources,
  unfinishedImports,
  type ImportItemRow,
  type ImportStatus,
  type ImportTrigger,
  type ItemOutcome,
} from './feeds.tables';
import { fetchKeyOf } from './item-key';

/** One source of an import that is to start: stored, or an address, or items that are staged beside. */
export interface ImportWish {
  readonly source: string;
  readonly sourceId?: string;
  readonly url?: string;
  readonly mapping?: JsonMappingDto;
  readonly paging?: FeedPagingDto;
}

export interface NewImport {
  readonly tenant: string;
  readonly trigger: ImportTrigger;
  readonly caller?: string;
  readonly sources: readonly ImportWish[];
}

/** A source is being imported already; nothing was started. */
export class SourceRunningError extends Error {
  constructor(readonly sources: readonly string[]) {
    super(`Already running: ${sources.slice(0, 10).join(', ')}`);
    this.name = 'SourceRunningError';
  }
}

export const fetchQueueName = 'feed-fetch';

export function isOver(status: ImportStatus): boolean {
  return !(unfinishedImports as readonly string[]).includes(status);
}

/** Imports as they are started, and what became of their items. */
@Injectable()
export class ImportRuns {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  /**
   * Stores an import and promises a fetch for each of its sources, all or nothing. `beside` joins the transaction.
   * Throws {@link SourceRunningError}.
   */
  async start(
    wish: NewImport,
    beside?: (transaction: Transaction, importId: string) => Promise<void>,
  ): Promise<string> {
    const id = randomUUID();
    try {
      await this.database.transaction(async (transaction) => {
        await this.put(transaction, id, wish);
        await beside?.(transaction, id);
      });
    } catch (error) {
      if (!isSourceRunning(error)) throw error;
      throw new SourceRunningError(await this.running(wish));
    }
    this.outbox.wakeRelay();
    return id;
  }

  /** As {@link start}, as a part of a larger transaction, which is lost when a source is running; wake the relay after it. */
  async put(
    transaction: Transaction,
    id: string,
    { tenant, trigger, caller, sources }: NewImport,
  ): Promise<void> {
    await transaction
      .insert(imports)
      .values({ id, tenant, trigger, ...(caller !== undefined && { caller }), createdAt: new Date() });
    await transaction.insert(importSources).values(
      sources.map((source) => ({
        ...source,
        importId: id,
        tenant,
        jobId: jobId(fetchQueueName, fetchKeyOf(id, source.source), tenant),
        updatedAt: new Date(),
      })),
    );
    for (const { source } of sources) {
      await this.outbox.put(transaction, {
        type: 'fetch-feed',
        key: fetchKeyOf(id, source),
        payload: { importId: id, source },
        tenant,
        ...(caller !== undefined && { caller }),
      });
    }
  }

  /** Those of these sources that are being fetched, or whose items are. */
  async running({ tenant, sources }: Pick<NewImport, 'tenant' | 'sources'>): Promise<string[]> {
    const names = sources.map(({ source }) => source);
    const found = await this.database.query
      .select({ source: importSources.source })
      .from(importSources)
      .where(
        and(
          eq(importSources.tenant, tenant),
          inArray(importSources.source, names),
          inArray(importSources.status, [...unfinishedImports]),
          sql`${importSources.url} IS NOT NULL`,
        ),
      );
    return found.map(({ source }) => source);
  }

  /** What became of the items of an import, in the order of their keys; rejected ones have no key and come apart. */
  async items(
    importId: string,
    { limit, source, outcome, afterKey = '' }: ItemFilter,
  ): Promise<Omit<ImportItemRow, 'document'>[]> {
    const { document: _document, ...columns } = getTableColumns(importItems);
    return this.database.query
      .select(columns)
      .from(importItems)
      .where(
        and(
          eq(importItems.importId, importId),
          source === undefined ? undefined : eq(importItems.source, source),
          outcome === undefined ? undefined : eq(importItems.outcome, outcome),
          sql`${importItems.key} > ${afterKey}`,
        ),
      )
      .orderBy(importItems.key)
      .limit(limit);
  }

  /** The items that could not be taken, in the order of their feeds; at most 1,000 of each source. */
  rejections(importId: string, limit: number, after = 0) {
    return this.database.query
      .select()
      .from(importRejections)
      .where(and(eq(importRejections.importId, importId), sql`${importRejections.id} > ${after}`))
      .orderBy(importRejections.id)
      .limit(limit);
  }
}

export interface ItemFilter {
  readonly limit: number;
  readonly source?: string;
  readonly outcome?: ItemOutcome;
  readonly afterKey?: string;
}

/** Whether an error is that of the unique index of running sources. */
export function isSourceRunning(error: unknown): boolean {
  return violates(error, 'import_sources_running');
}
