import { Injectable } from '@nestjs/common';
import { and, eq, inArray, lte, sql } from 'drizzle-orm';
import { Database, type Transaction } from '../../platform/database/database.service';
import { Outbox } from '../../platform/outbox/outbox.service';
import { jobId } from '../../platform/queue/job-id';
import { brokerConnections, brokerSyncRuns, type SyncTrigger } from './brokerage.tables';
import type { BrokerConnection } from './connection.store';
import { newRowId } from './row-id';
import type { SyncRun } from './sync-run.store';
import { nextSyncAt } from './sync-times';

/** Data at rest: the names of the queue and of its job. */
const QUEUE = 'broker-sync';
const JOB = 'sync-connection';

type Asked = Pick<BrokerConnection, 'id' | 'tenant'>;

/** Asks for syncs: a run and its job, both or neither, and one open run of a connection at a time. */
@Injectable()
export class SyncRequests {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  /** The run that is open already, where there is one. */
  async request(
    connection: Asked,
    caller: string,
  ): Promise<{ readonly run: SyncRun; readonly isNew: boolean }> {
    const asked = await this.database.transaction(async (transaction) => {
      // Whoever else asks for the same waits here.
      await transaction
        .select({ id: brokerConnections.id })
        .from(brokerConnections)
        .where(eq(brokerConnections.id, connection.id))
        .for('update');
      const [open] = await transaction
        .select()
        .from(brokerSyncRuns)
        .where(
          and(
            eq(brokerSyncRuns.connectionId, connection.id),
            inArray(brokerSyncRuns.status, ['queued', 'running']),
          ),
        );
      if (open !== undefined) return { run: open, isNew: false };
      return { run: await this.put(transaction, connection, 'manual', caller), isNew: true };
    });
    this.outbox.wakeRelay();
    return asked;
  }

  /**
   * Asks for every sync that is due, up to `limit`; resolves with how many connections were. However many moments of a
   * schedule have passed, one run makes up for them; where one is open already, it is that one.
   */
  async requestDue(limit: number, now = Date.now()): Promise<number> {
    const due = await this.database.transaction(async (transaction) => {
      const found = await transaction
        .select()
        .from(brokerConnections)
        .where(lte(brokerConnections.nextRunAt, new Date(now)))
        .orderBy(brokerConnections.nextRunAt)
        .limit(limit)
        .for('update', { skipLocked: true });
      for (const connection of found) {
        await this.put(transaction, connection, 'schedule', connection.createdBy);
        await transaction
          .update(brokerConnections)
          .set({ nextRunAt: nextSyncAt(connection.id, connection.schedule, now) })
          .where(eq(brokerConnections.id, connection.id));
      }
      return found.length;
    });
    if (due > 0) this.outbox.wakeRelay();
    return due;
  }

  private async put(
    transaction: Transaction,
    { id: connectionId, tenant }: Asked,
    trigger: SyncTrigger,
    caller: string,
  ): Promise<SyncRun> {
    const id = newRowId();
    const key = `sync:${id}`;
    const [run] = await transaction
      .insert(brokerSyncRuns)
      .values({
        id,
        connectionId,
        tenant,
        trigger,
        status: 'queued',
        jobId: jobId(QUEUE, key, tenant),
        createdAt: new Date(),
      })
      .onConflictDoNothing()
      .returning();
    if (run !== undefined) {
      await this.outbox.put(transaction, { type: JOB, key, payload: { connectionId }, tenant, caller });
      return run;
    }
    const [open] = await transaction
      .select()
      .from(brokerSyncRuns)
      .where(
        and(
          eq(brokerSyncRuns.connectionId, connectionId),
          sql`(${brokerSyncRuns.status} IN ('queued', 'running') OR ${brokerSyncRuns.id} = ${id}::uuid)`,
        ),
      )
      .limit(1);
    return open!;
  }
}
