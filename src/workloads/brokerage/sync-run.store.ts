import { Injectable } from '@nestjs/common';
import { and, desc, eq, inArray, lt, sql, type SQL } from 'drizzle-orm';
import type { BrokerActivity } from '../../integrations/broker/broker-activity';
import { Database, type Transaction } from '../../platform/database/database.service';
import { ActivityStore, type StoredCounts } from './activity.store';
import {
  brokerConnections,
  brokerSyncRuns,
  type Reconciliation,
  type SyncCursor,
  type SyncStatus,
} from './brokerage.tables';
import type { BrokerConnection, RowPosition } from './connection.store';
import { newRowId, isRowId } from './row-id';

export type SyncRun = typeof brokerSyncRuns.$inferSelect;

/** One start of a run's job; `attempt` is the fence that every later write has to show. */
export interface SyncClaim {
  readonly run: SyncRun;
  readonly connection: BrokerConnection;
}

/** A newer start of the job, or the end of its connection, has taken the run away. */
export class SyncSupersededError extends Error {
  constructor() {
    super('Another start of this sync has gone on, or its connection was removed.');
    this.name = 'SyncSupersededError';
  }
}

export interface StoredPage {
  readonly activities: readonly BrokerActivity[];
  readonly cursor: SyncCursor;
  readonly clockAheadMs?: number;
}

const unfinished: SyncStatus[] = ['queued', 'running'];
// A run writes with every page, and a page is given up after half a minute.
const SILENT_MS = 120_000;
const KEPT_RUNS = 100;
const MAX_MESSAGE_CHARACTERS = 1_000;

/** The runs as their jobs see them, and as callers do. */
@Injectable()
export class SyncRunStore {
  constructor(
    private readonly database: Database,
    private readonly activities: ActivityStore,
  ) {}

  /**
   * Begins, or goes on with, the run of a job. `busy` when another job is at work on the connection; undefined when
   * there is no such connection.
   */
  async claim(
    connectionId: string,
    tenant: string,
    jobId: string,
  ): Promise<SyncClaim | { readonly busy: SyncRun } | undefined> {
    if (!isRowId(connectionId)) return undefined;
    return this.database.transaction(async (transaction) => {
      const [connection] = await transaction
        .select()
        .from(brokerConnections)
        .where(and(eq(brokerConnections.id, connectionId), eq(brokerConnections.tenant, tenant)))
        .for('update');
      if (connection === undefined) return undefined;
      const [open] = await transaction
        .select()
        .from(brokerSyncRuns)
        .where(
          and(eq(brokerSyncRuns.connectionId, connectionId), inArray(brokerSyncRuns.status, unfinished)),
        );
      if (open !== undefined && open.jobId !== jobId) {
        if (open.updatedAt.getTime() > Date.now() - SILENT_MS) return { busy: open };
        await end(transaction, open.id, 'Nothing was heard of it any more, and another sync took over.');
      }
      return { connection, run: await begin(transaction, connection, jobId) };
    });
  }

  /** Stores a page and how far it has come, both or neither. Throws {@link SyncSupersededError}. */
  async storePage({ run, connection }: SyncClaim, page: StoredPage): Promise<StoredCounts> {
    return this.database.transaction(async (transaction) => {
      await this.write(transaction, run, {});
      const { tenant, userId, id } = connection;
      const counts =
        page.activities.length === 0
          ? { inserted: 0, updated: 0 }
          : await this.activities.upsert(transaction, { tenant, userId, source: id }, page.activities);
      await this.write(transaction, run, {
        pages: sql`${brokerSyncRuns.pages} + 1`,
        received: sql`${brokerSyncRuns.received} + ${page.activities.length}`,
        inserted: sql`${brokerSyncRuns.inserted} + ${counts.inserted}`,
        updated: sql`${brokerSyncRuns.updated} + ${counts.updated}`,
        ...(page.clockAheadMs !== undefined && { clockAheadMs: page.clockAheadMs }),
      });
      await transaction
        .update(brokerConnections)
        .set({ cursor: page.cursor })
        .where(eq(brokerConnections.id, id));
      return counts;
    });
  }

  /** Counts a wait that the broker asked for; resolves with how many there were. */
  async noteThrottled({ run }: SyncClaim): Promise<number> {
    const { throttled } = await this.write(this.database.query, run, {
      throttled: sql`${brokerSyncRuns.throttled} + 1`,
    });
    return throttled;
  }

  /** Ends the run well, and forgets the oldest of its connection. */
  async complete({ run, connection }: SyncClaim, reconciliation: Reconciliation): Promise<SyncRun> {
    const completed = await this.write(this.database.query, run, {
      status: 'completed',
      reconciliation,
      errorMessage: null,
      finishedAt: sql`now()`,
    });
    const oldest = this.database.query
      .select({ createdAt: brokerSyncRuns.createdAt })
      .from(brokerSyncRuns)
      .where(eq(brokerSyncRuns.connectionId, connection.id))
      .orderBy(desc(brokerSyncRuns.createdAt))
      .offset(KEPT_RUNS - 1)
      .limit(1);
    await this.database.query
      .delete(brokerSyncRuns)
      .where(and(eq(brokerSyncRuns.connectionId, connection.id), lt(brokerSyncRuns.createdAt, oldest)));
    return completed;
  }

  /** Ends the open run of a job that will not be tried again; its cursor stays, so that the next run goes on from there. */
  async failOf(jobId: string, message: string): Promise<boolean> {
    const { rowCount } = await this.database.query
      .update(brokerSyncRuns)
      .set(failed(message))
      .where(and(eq(brokerSyncRuns.jobId, jobId), inArray(brokerSyncRuns.status, unfinished)));
    return (rowCount ?? 0) > 0;
  }

  /** Open runs that nothing has been heard of for a while, oldest first. */
  async silent(limit: number, silentMs = SILENT_MS): Promise<SyncRun[]> {
    return this.database.query
      .select()
      .from(brokerSyncRuns)
      .where(
        and(
          inArray(brokerSyncRuns.status, unfinished),
          sql`${brokerSyncRuns.updatedAt} < now() - ${silentMs} * interval '1 millisecond'`,
        ),
      )
      .orderBy(brokerSyncRuns.updatedAt)
      .limit(limit);
  }

  /** Says that somebody has looked after an open run. */
  async touch(id: string): Promise<void> {
    await this.database.query
      .update(brokerSyncRuns)
      .set({ updatedAt: sql`now()` })
      .where(eq(brokerSyncRuns.id, id));
  }

  async find(id: string, connectionId: string): Promise<SyncRun | undefined> {
    if (!isRowId(id)) return undefined;
    const [found] = await this.database.query
      .select()
      .from(brokerSyncRuns)
      .where(and(eq(brokerSyncRuns.id, id), eq(brokerSyncRuns.connectionId, connectionId)));
    return found;
  }

  /** Newest first. */
  async list(
    connectionId: string,
    { limit, before }: { readonly limit: number; readonly before?: RowPosition },
  ): Promise<SyncRun[]> {
    const conditions: SQL[] = [eq(brokerSyncRuns.connectionId, connectionId)];
    if (before !== undefined) {
      const at = before.createdAt.toISOString();
      conditions.push(
        sql`(${brokerSyncRuns.createdAt}, ${brokerSyncRuns.id}) < (${at}::timestamptz, ${before.id}::uuid)`,
      );
    }
    return this.database.query
      .select()
      .from(brokerSyncRuns)
      .where(and(...conditions))
      .orderBy(desc(brokerSyncRuns.createdAt), desc(brokerSyncRuns.id))
      .limit(limit);
  }

  /** The newest run that compared positions; undefined before the first. */
  async lastReconciled(connectionId: string): Promise<SyncRun | undefined> {
    const [found] = await this.database.query
      .select()
      .from(brokerSyncRuns)
      .where(
        and(eq(brokerSyncRuns.connectionId, connectionId), sql`${brokerSyncRuns.reconciliation} IS NOT NULL`),
      )
      .orderBy(desc(brokerSyncRuns.createdAt), desc(brokerSyncRuns.id))
      .limit(1);
    return found;
  }

  private async write(
    query: Pick<Transaction, 'update'>,
    { id, attempt }: SyncRun,
    change: RunChange,
  ): Promise<SyncRun> {
    const [written] = await query
      .update(brokerSyncRuns)
      .set({ ...change, updatedAt: sql`now()` })
      .where(
        and(
          eq(brokerSyncRuns.id, id),
          eq(brokerSyncRuns.attempt, attempt),
          eq(brokerSyncRuns.status, 'running'),
        ),
      )
      .returning();
    if (written === undefined) throw new SyncSupersededError();
    return written;
  }
}

type RunChange = { [Column in keyof SyncRun]?: SyncRun[Column] | SQL };

/** The newest run of the job begins anew, whatever it came to before: the job only comes back for more work. */
async function begin(
  transaction: Transaction,
  { id: connectionId, tenant }: BrokerConnection,
  jobId: string,
): Promise<SyncRun> {
  const [known] = await transaction
    .select({ id: brokerSyncRuns.id })
    .from(brokerSyncRuns)
    .where(and(eq(brokerSyncRuns.jobId, jobId), eq(brokerSyncRuns.connectionId, connectionId)))
    .orderBy(desc(brokerSyncRuns.createdAt))
    .limit(1);
  const next = { status: 'running', errorMessage: null, finishedAt: null } as const;
  const [run] =
    known === undefined
      ? await transaction
          .insert(brokerSyncRuns)
          .values({ ...next, id: newRowId(), connectionId, tenant, jobId, trigger: 'job', attempt: 1 })
          .returning()
      : await transaction
          .update(brokerSyncRuns)
          .set({ ...next, attempt: sql`${brokerSyncRuns.attempt} + 1`, updatedAt: sql`now()` })
          .where(eq(brokerSyncRuns.id, known.id))
          .returning();
  return run!;
}

async function end(transaction: Transaction, id: string, message: string): Promise<void> {
  await transaction.update(brokerSyncRuns).set(failed(message)).where(eq(brokerSyncRuns.id, id));
}

function failed(message: string) {
  return {
    status: 'failed' as const,
    errorMessage: message.slice(0, MAX_MESSAGE_CHARACTERS),
    finishedAt: sql`now()`,
    updatedAt: sql`now()`,
  };
}
