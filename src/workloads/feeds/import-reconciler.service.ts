import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, asc, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { isDatabaseAway } from '../../platform/database/database-unavailable.error';
import { Database } from '../../platform/database/database.service';
import { Leader } from '../../platform/leader/leader.service';
import { Outbox } from '../../platform/outbox/outbox.service';
import { outbox as promises } from '../../platform/outbox/outbox.tables';
import { JobReader } from '../../platform/queue/job-reader.service';
import { JobRemovals } from '../../platform/queue/job-removals.service';
import { FeedImportProducer } from './feed-import/feed-import.producer';
import {
  importItems,
  importSources,
  unfinishedImports,
  type ImportItemRow,
  type ImportSourceRow,
} from './feeds.tables';
import { ImportCancels } from './import-cancels.store';
import { ImportFetches } from './import-fetch.store';
import { ImportOutcomes } from './import-outcomes.store';
import { removedByImport } from './import-job-ends.service';
import { fetchKeyOf } from './item-key';

const INTERVAL_MS = 5_000;
// A working fetch or batch writes far more often.
export const QUIET_MS = 30_000;
const SOURCES_PER_TURN = 50;
const ITEMS_PER_TURN = 500;
const DROPS_PER_TURN = 10;

/** Brings imports and their jobs together again after a crash, so that no import waits for a job that will not come. */
@Injectable()
export class ImportReconciler implements OnApplicationBootstrap {
  private readonly logger = new Logger('feeds');

  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly jobs: JobReader,
    private readonly removals: JobRemovals,
    private readonly fetches: ImportFetches,
    private readonly outcomes: ImportOutcomes,
    private readonly items: FeedImportProducer,
    private readonly leader: Leader,
    private readonly cancels: ImportCancels,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('import-reconciler', INTERVAL_MS, async () => {
      if (!this.database.isSchemaReady) return;
      try {
        await this.reconcile();
        await this.cancels.goOn();
        await this.dropCancelled();
      } catch (error) {
        if (!isDatabaseAway(error)) throw error;
      }
    });
  }

  /** One turn: looks at sources that nothing has happened to for a while. */
  async reconcile(quietMs = QUIET_MS): Promise<void> {
    const quiet = await this.database.query
      .select()
      .from(importSources)
      .where(
        and(
          inArray(importSources.status, [...unfinishedImports]),
          sql`${importSources.updatedAt} < now() - ${quietMs} * interval '1 millisecond'`,
        ),
      )
      .orderBy(asc(importSources.updatedAt))
      .limit(SOURCES_PER_TURN);
    for (const row of quiet) {
      // Whatever is found: it is looked at again only after all others.
      await this.database.query
        .update(importSources)
        .set({ updatedAt: sql`now()` })
        .where(and(eq(importSources.importId, row.importId), eq(importSources.source, row.source)));
      if (row.status === 'importing') await this.reconcileItems(row);
      else await this.reconcileFetch(row);
    }
  }

  /** Takes the jobs of cancelled items out of their queue, which would otherwise wait in it for their turn. */
  async dropCancelled(): Promise<void> {
    for (let turn = 0; turn < DROPS_PER_TURN && (await this.dropSome()) === ITEMS_PER_TURN; turn += 1);
  }

  private async dropSome(): Promise<number> {
    const cancelled = await this.database.query
      .select()
      .from(importItems)
      .innerJoin(
        importSources,
        and(eq(importSources.importId, importItems.importId), eq(importSources.source, importItems.source)),
      )
      .where(and(eq(importItems.outcome, 'cancelled'), isNotNull(importItems.document)))
      .limit(ITEMS_PER_TURN);
    for (const { import_items: item, import_sources: source } of cancelled) {
      await this.removals.remove(this.items.jobIdOf(item, source.tenant), {
        kind: 'cancelled',
        reason: 'its import was cancelled',
        by: removedByImport,
        onlyIn: ['waiting', 'delayed'],
      });
    }
    if (cancelled.length === 0) return 0;
    const keys = sql.param(cancelled.map(({ import_items: item }) => item.key));
    const ids = sql.param(cancelled.map(({ import_items: item }) => item.importId));
    await this.database.query.execute(sql`
      UPDATE import_items i SET document = NULL
      FROM unnest(${ids}::uuid[], ${keys}::text[]) AS gone(import_id, key)
      WHERE i.import_id = gone.import_id AND i.key = gone.key AND i.outcome = 'cancelled'`);
    return cancelled.length;
  }

  private async reconcileFetch(row: ImportSourceRow): Promise<void> {
    const job = await this.jobs.read(row.jobId);
    if (job === undefined) return this.promiseAgain(row);
    if (job.state !== 'failed' && job.state !== 'cancelled' && job.state !== 'completed') return;
    const reason =
      job.state === 'completed' ? 'its job ended before its time' : (job.failedReason ?? job.state);
    await this.fetches.abandon(row.importId, row.source, row.jobId, reason);
  }

  /** The job is gone and will not come back by itself, unless its promise is still on the way. */
  private async promiseAgain({ importId, source, tenant }: ImportSourceRow): Promise<void> {
    const key = fetchKeyOf(importId, source);
    const isPromised = await this.database.transaction(async (transaction) => {
      const [pending] = await transaction
        .select({ id: promises.id })
        .from(promises)
        .where(eq(promises.key, key))
        .limit(1);
      if (pending !== undefined) return false;
      await this.outbox.put(transaction, { type: 'fetch-feed', key, payload: { importId, source }, tenant });
      return true;
    });
    if (!isPromised) return;
    this.outbox.wakeRelay();
    this.logger.warn(`The job that fetches for import ${importId} was lost and is queued again.`);
  }

  /** Where a whole page has lost its jobs, as after a loss of Redis, the next one is looked at as well. */
  private async reconcileItems({ importId, source, tenant }: ImportSourceRow): Promise<void> {
    let lost = 0;
    for (let afterKey: string | undefined = ''; afterKey !== undefined;) {
      const queued = await this.queuedItems(importId, source, afterKey);
      const missing = await this.withoutJob(queued, tenant);
      await this.items.addItems(missing, tenant);
      lost += missing.length;
      afterKey = missing.length === ITEMS_PER_TURN ? queued.at(-1)!.key : undefined;
    }
    if (lost > 0) this.logger.warn(`${lost} jobs of import ${importId} were lost and are queued again.`);
  }

  private queuedItems(importId: string, source: string, afterKey: string): Promise<ImportItemRow[]> {
    return this.database.query
      .select()
      .from(importItems)
      .where(
        and(
          eq(importItems.importId, importId),
          eq(importItems.source, source),
          eq(importItems.outcome, 'queued'),
          sql`${importItems.key} > ${afterKey}`,
        ),
      )
      .orderBy(asc(importItems.key))
      .limit(ITEMS_PER_TURN);
  }

  private async withoutJob(items: readonly ImportItemRow[], tenant: string): Promise<ImportItemRow[]> {
    const lost: ImportItemRow[] = [];
    for (const item of items) {
      const job = await this.jobs.read(this.items.jobIdOf(item, tenant));
      if (job === undefined) lost.push(item);
      else if (job.state === 'failed' || job.state === 'cancelled') {
        await this.outcomes.fail([item], job.failedReason ?? job.state);
      }
    }
    return lost;
  }
}
