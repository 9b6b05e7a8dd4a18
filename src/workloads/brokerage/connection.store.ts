import { Injectable } from '@nestjs/common';
import { and, asc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import { Settings } from '../../config/settings';
import { Database, type Transaction } from '../../platform/database/database.service';
import { oneAtATime } from '../../platform/database/one-at-a-time';
import { brokerActivities, brokerConnections, type SyncSchedule } from './brokerage.tables';
import { isRowId } from './row-id';
import { nextSyncAt } from './sync-times';

export type BrokerConnection = typeof brokerConnections.$inferSelect;

export type NewConnection = Pick<
  BrokerConnection,
  'id' | 'tenant' | 'userId' | 'name' | 'adapter' | 'settings' | 'credentials' | 'schedule' | 'createdBy'
>;

/** What people may change of a connection. */
export type ConnectionEdit = Partial<
  Pick<BrokerConnection, 'name' | 'settings' | 'credentials' | 'schedule' | 'isPaused'>
>;

/** Where the next page of a list begins: right after this row. */
export interface RowPosition {
  readonly createdAt: Date;
  readonly id: string;
}

const ACTIVITIES_PER_STEP = 20_000;

/** The accounts at brokers that are synchronised. */
@Injectable()
export class ConnectionStore {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  /** A connection that exists already is answered as it is; undefined when the tenant has as many as it may. */
  async create(connection: NewConnection, now = Date.now()): Promise<BrokerConnection | undefined> {
    const { tenant, schedule } = connection;
    return this.database.transaction(async (transaction) => {
      await oneAtATime(transaction, `connections of ${tenant}`);
      const [row] = await transaction
        .select({ count: sql<number>`count(*)::int` })
        .from(brokerConnections)
        .where(eq(brokerConnections.tenant, tenant));
      if ((row?.count ?? 0) >= this.settings.BROKER_CONNECTIONS_PER_TENANT) return undefined;
      const [created] = await transaction
        .insert(brokerConnections)
        .values({
          ...connection,
          nextRunAt: firstSyncAt(connection.id, schedule, now),
          createdAt: new Date(now),
        })
        .onConflictDoNothing()
        .returning();
      return created ?? (await this.find(connection.id, tenant, transaction));
    });
  }

  async find(
    id: string,
    tenant: string,
    query: Pick<Transaction, 'select'> = this.database.query,
  ): Promise<BrokerConnection | undefined> {
    if (!isRowId(id)) return undefined;
    const [found] = await query
      .select()
      .from(brokerConnections)
      .where(and(eq(brokerConnections.id, id), eq(brokerConnections.tenant, tenant)));
    return found;
  }

  /** Oldest first. */
  async list(options: {
    tenant: string;
    limit: number;
    userId?: string;
    after?: RowPosition;
  }): Promise<BrokerConnection[]> {
    const { tenant, limit, userId, after } = options;
    const conditions: SQL[] = [eq(brokerConnections.tenant, tenant)];
    if (userId !== undefined) conditions.push(eq(brokerConnections.userId, userId));
    if (after !== undefined) {
      const at = after.createdAt.toISOString();
      conditions.push(
        sql`(${brokerConnections.createdAt}, ${brokerConnections.id}) > (${at}::timestamptz, ${after.id}::uuid)`,
      );
    }
    return this.database.query
      .select()
      .from(brokerConnections)
      .where(and(...conditions))
      .orderBy(asc(brokerConnections.createdAt), asc(brokerConnections.id))
      .limit(limit);
  }

  /** Undefined when it is gone, or has another version by now. */
  async edit(
    { id, tenant, version, schedule: before }: BrokerConnection,
    edit: ConnectionEdit,
    now = Date.now(),
  ): Promise<BrokerConnection | undefined> {
    const { isPaused, schedule } = edit;
    const isRescheduled = schedule !== undefined || isPaused !== undefined;
    const next = nextSyncAt(id, schedule ?? before, now)?.toISOString() ?? null;
    const [edited] = await this.database.query
      .update(brokerConnections)
      .set({
        ...edit,
        version: sql`${brokerConnections.version} + 1`,
        updatedAt: sql`now()`,
        ...(isPaused !== undefined && { pauseReason: null }),
        ...(isRescheduled && {
          nextRunAt: sql`CASE WHEN ${isPaused ?? brokerConnections.isPaused} THEN NULL ELSE ${next}::timestamptz END`,
        }),
      })
      .where(
        and(
          eq(brokerConnections.id, id),
          eq(brokerConnections.tenant, tenant),
          eq(brokerConnections.version, version),
        ),
      )
      .returning();
    return edited;
  }

  /** What the broker refuses is not asked for again until a person has looked. */
  async pauseBecause(id: string, reason: string): Promise<void> {
    await this.database.query
      .update(brokerConnections)
      .set({
        isPaused: true,
        pauseReason: reason.slice(0, 500),
        nextRunAt: null,
        version: sql`${brokerConnections.version} + 1`,
        updatedAt: sql`now()`,
      })
      .where(and(eq(brokerConnections.id, id), eq(brokerConnections.isPaused, false)));
  }

  /** Removes the connection with its runs, and then its activities, step by step. False when it was gone. */
  async remove({ id, tenant, userId }: Pick<BrokerConnection, 'id' | 'tenant' | 'userId'>): Promise<boolean> {
    const removed = await this.database.query
      .delete(brokerConnections)
      .where(and(eq(brokerConnections.id, id), eq(brokerConnections.tenant, tenant)))
      .returning({ id: brokerConnections.id });
    const own = and(
      eq(brokerActivities.tenant, tenant),
      eq(brokerActivities.userId, userId),
      eq(brokerActivities.source, id),
    );
    for (let gone = ACTIVITIES_PER_STEP; gone === ACTIVITIES_PER_STEP;) {
      const some = this.database.query
        .select({ externalId: brokerActivities.externalId })
        .from(brokerActivities)
        .where(own)
        .limit(ACTIVITIES_PER_STEP);
      const { rowCount } = await this.database.query
        .delete(brokerActivities)
        .where(and(own, inArray(brokerActivities.externalId, some)));
      gone = rowCount ?? 0;
    }
    return removed.length > 0;
  }
}

/** An account that was just connected is read at once, one on a timetable when the timetable says so. */
function firstSyncAt(id: string, schedule: SyncSchedule, now: number): Date | null {
  return schedule.kind === 'interval' ? new Date(now) : nextSyncAt(id, schedule, now);
}
