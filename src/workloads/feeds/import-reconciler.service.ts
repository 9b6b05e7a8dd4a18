import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, asc, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { isDatabaseAway } from '../../platform/database/database-unavailable.error';
import { Database } from '../../platform/database/database.service';
import { Leader } from '../../platform/leader/leader.service';
import { Outbox } from '../../platform/outbox/outbox.service';
import { outbox as promises } from '../../platform/outbox/outbox.tables';
import { JobReader } from '../../platform/queue/job-reader.service';
import { JobRemovals } from '../../platform/queue/job-removals.service';
import { WorkerRunner } from '../../platform/worker/worker-runner.service';
import { feedQueueName } from '../../config/feed-queue-name';
import { FeedImportProducer } from './feed-import/feed-import.producer';
import {
  importItems,
  importSources,
  unfinishedImports,
  type ImportItemRow,
  type ImportSourceRow,
} from './feeds.tables';
import { ImportFetches } from './import-fetch.store';
import { ImportOutcomes } from './import-outcomes.store';
import { fetchKeyOf, fetchQueueName } from './import-run.store';
import { itemKeyOf } from './item-key';

const INTERVAL_MS = 5_000;
// A working fetch or batch writes far more often.
export const QUIET_MS = 30_000;
const SOURCES_PER_TURN = 50;
const ITEMS_PER_TURN = 500;

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
    private readonly workers: WorkerRunner,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('import-reconciler', INTERVAL_MS, async () => {
      if (!this.database.isSchemaReady) return;
      try {
        await this.reconcile();
        await this.dropCancelled();
      } catch (error) {
        if (!isDatabaseAway(error)) throw error;
      }
    });
    this.workers.onFailure((job, error, isFinal) => {
      if (isFinal) void this.noteDeath(job.queueName, job.data, job.id, error.message).catch(() => undefined);
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
        by: 'import',
        onlyIn: ['waiting', 'delayed'],
      });
    }
    if (cancelled.length === 0) return;
    const keys = sql.param(cancelled.map(({ import_items: item }) => item.key));
    const ids = sql.param(cancelled.map(({ import_items: item }) => item.importId));
    await this.database.query.execute(sql`
      UPDATE import_items i SET document = NULL
      FROM unnest(${ids}::uuid[], ${keys}::text[]) AS gone(import_id, key)
      WHERE i.import_id = gone.import_id AND i.key = gone.key AND i.outcome = 'cancelled'`);
  }

  private async reconcileFetch(row: ImportSourceRow): Promise<void> {
    const job = await this.jobs.read(row.jobId);
    if (job === undefined) return this.promiseAgain(row);
    if (job.state !== 'failed' && job.state !== 'cancelled' && job.state !== 'completed') return;
    const reason =
      job.state === 'completed' ? 'its job ended before its time' : (job.failedReason ?? job.state);
    await this.fetches.abandon(row.importId, row.source, reason);
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

  private async reconcileItems({ importId, source, tenant }: ImportSourceRow): Promise<void> {
    const queued = await this.database.query
      .select()
      .from(importItems)
      .where(
        and(
          eq(importItems.importId, importId),
          eq(importItems.source, source),
          eq(importItems.outcome, 'queued'),
        ),
      )
      .orderBy(asc(importItems.updatedAt))
      .limit(ITEMS_PER_TURN);
    const lost: ImportItemRow[] = [];
    for (const item of queued) {
      const job = await this.jobs.read(this.items.jobIdOf(item, tenant));
      if (job === undefined) lost.push(item);
      else if (job.state === 'failed' || job.state === 'cancelled') {
        await this.outcomes.fail([item], job.failedReason ?? job.state);
      }
    }
    if (lost.length === 0) return;
    await this.items.addItems(lost, tenant);
    this.logger.warn(`${lost.length} jobs of import ${importId} were lost and are queued again.`);
  }

  private async noteDeath(
    queue: string,
    data: unknown,
    id: string | undefined,
    reason: string,
  ): Promise<void> {
    const { importId, source, guid } = (data ?? {}) as Record<string, unknown>;
    if (typeof importId !== 'string' || typeof source !== 'string') return;
    if (queue === fetchQueueName) return this.fetches.abandon(importId, source, reason);
    if (queue !== feedQueueName || typeof guid !== 'string' || id === undefined) return;
    const tenant = (await this.jobs.read(id))?.origin.tenant;
    if (tenant !== undefined)
      await this.outcomes.fail([{ importId, key: itemKeyOf(tenant, source, guid) }], reason);
  }
}
