import { Injectable } from '@nestjs/common';
import { and, asc, count, desc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import { Database, type Transaction } from '../database/database.service';
import { jobId } from '../queue/job-id';
import {
  operationItems,
  operationQueues,
  operations,
  type OperationAction,
  type OperationItemStatus,
  type OperationStatus,
} from './operations.tables';

export type Operation = typeof operations.$inferSelect;
export type OperationItem = typeof operationItems.$inferSelect;

/** What became of one item; `pending` is tried again at the next turn. */
export interface ItemResult {
  readonly ordinal: number;
  readonly status: OperationItemStatus;
  readonly jobId?: string;
  readonly generation?: number;
  readonly detail?: string;
}

/** How far an operation is; `pending` and `running` are what `total` has beside the three ends. */
export interface OperationCounts {
  readonly total: number;
  readonly success: number;
  readonly failure: number;
  readonly skipped: number;
  /** Jobs sent back to work that have not ended yet. */
  readonly running: number;
  readonly pending: number;
}

export interface NewOperation {
  readonly action: OperationAction;
  readonly reason: string;
  readonly startedBy: string;
  readonly request: Record<string, unknown>;
  readonly ratePerSecond?: number;
  readonly usesWaves: boolean;
  readonly maxFailureRatio: number;
  readonly targets: readonly string[];
  /** Named by the caller, but nothing that this action can be done to. */
  readonly missing: readonly string[];
  /** The queues that jobs are sent back to. */
  readonly queues: readonly string[];
  readonly tenant?: string;
}

export interface OperationPosition {
  readonly createdAt: number;
  readonly id: string;
}

/** A queue takes jobs back from one operation at a time. */
export class QueueBusyError extends Error {
  constructor(
    readonly queue: string,
    readonly operation: string,
  ) {
    super(`Operation ${operation} is sending jobs back to queue "${queue}": wait for its end, or abort it.`);
    this.name = 'QueueBusyError';
  }
}

const ITEMS_PER_INSERT = 5_000;

/** Creates, finds and ends bulk actions. */
@Injectable()
export class OperationStore {
  constructor(private readonly database: Database) {}

  /** Throws {@link QueueBusyError} while another operation sends jobs back to one of the queues. */
  async create(wanted: NewOperation): Promise<Operation> {
    const { targets, missing, queues, ...columns } = wanted;
    const id = jobId('op');
    return this.database.transaction(async (transaction) => {
      await reserve(transaction, id, queues);
      const [created] = await transaction
        .insert(operations)
        .values({ ...columns, id, total: targets.length + missing.length })
        .returning();
      await insertItems(transaction, id, targets, missing);
      return created!;
    });
  }

  async find(id: string, tenant = 'default'): Promise<Operation | undefined> {
    this.database.assertReady();
    const [operation] = await this.database.query
      .select()
      .from(operations)
      .where(and(eq(operations.id, id), eq(operations.tenant, tenant)));
    return operation;
  }

  /** Newest first. */
  async list(
    page: { readonly limit: number; readonly status?: OperationStatus; readonly after?: OperationPosition },
    tenant = 'default',
  ): Promise<Operation[]> {
    this.database.assertReady();
    const { status, after } = page;
    const conditions: (SQL | undefined)[] = [
      eq(operations.tenant, tenant),
      status && eq(operations.status, status),
      after &&
        sql`(${operations.createdAt}, ${operations.id}) < (${new Date(after.createdAt).toISOString()}::timestamptz, ${after.id}::text)`,
    ];
    return this.database.query
      .select()
      .from(operations)
      .where(and(...conditions))
      .orderBy(desc(operations.createdAt), desc(operations.id))
      .limit(page.limit);
  }

  /** The ids of those under way, the oldest first. */
  async running(limit: number): Promise<string[]> {
    const rows = await this.database.query
      .select({ id: operations.id })
      .from(operations)
      .where(eq(operations.status, 'running'))
      .orderBy(asc(operations.createdAt))
      .limit(limit);
    return rows.map(({ id }) => id);
  }

  /** Counted from the items, of several operations at once. */
  async counts(of: readonly Operation[]): Promise<ReadonlyMap<string, OperationCounts>> {
    const rows = await this.database.query
      .select({ id: operationItems.operationId, status: operationItems.status, total: count() })
      .from(operationItems)
      .where(
        inArray(
          operationItems.operationId,
          of.map(({ id }) => id),
        ),
      )
      .groupBy(operationItems.operationId, operationItems.status);
    return new Map(
      of.map(({ id, total }) => {
        const own = new Map(rows.filter((row) => row.id === id).map((row) => [row.status, row.total]));
        const [success, failure, skipped, running, pending] = (
          ['success', 'failure', 'skipped', 'sent', 'pending'] as const
        ).map((status) => own.get(status) ?? 0) as [number, number, number, number, number];
        return [id, { total, success, failure, skipped, running, pending }];
      }),
    );
  }

  /** The first items that did not succeed. */
  async troubles(id: string, limit: number): Promise<OperationItem[]> {
    return this.database.query
      .select()
      .from(operationItems)
      .where(and(eq(operationItems.operationId, id), inArray(operationItems.status, ['failure', 'skipped'])))
      .orderBy(asc(operationItems.ordinal))
      .limit(limit);
  }

  /** Ends a running one; what was sent stays sent. Undefined when it has ended already. */
  async abort(id: string, detail: string): Promise<Operation | undefined> {
    this.database.assertReady();
    return this.database.transaction((transaction) => endOperation(transaction, id, 'aborted', detail));
  }
}

/** Ends a running operation and lets its queues go. */
export async function endOperation(
  transaction: Transaction,
  id: string,
  status: OperationStatus,
  detail?: string,
): Promise<Operation | undefined> {
  const [ended] = await transaction
    .update(operations)
    .set({ status, finishedAt: sql`now()`, ...(detail !== undefined && { detail }) })
    .where(and(eq(operations.id, id), eq(operations.status, 'running')))
    .returning();
  if (ended !== undefined) {
    await transaction.delete(operationQueues).where(eq(operationQueues.operationId, id));
  }
  return ended;
}

async function reserve(transaction: Transaction, id: string, queues: readonly string[]): Promise<void> {
  for (const queue of queues.toSorted((a, b) => a.localeCompare(b))) {
    const taken = await transaction
      .insert(operationQueues)
      .values({ queue, operationId: id })
      .onConflictDoNothing()
      .returning();
    if (taken.length > 0) continue;
    const [holder] = await transaction.select().from(operationQueues).where(eq(operationQueues.queue, queue));
    throw new QueueBusyError(queue, holder?.operationId ?? 'that has just ended');
  }
}

async function insertItems(
  transaction: Transaction,
  id: string,
  targets: readonly string[],
  missing: readonly string[],
): Promise<void> {
  for (let at = 0; at < targets.length; at += ITEMS_PER_INSERT) {
    await transaction.execute(sql`
      INSERT INTO ${operationItems} (operation_id, ordinal, target)
      SELECT ${id}, ${at}::int + ordinal, target
      FROM unnest(${sql.param(targets.slice(at, at + ITEMS_PER_INSERT))}::text[]) WITH ORDINALITY AS wanted (target, ordinal)`);
  }
  if (missing.length === 0) return;
  await transaction.execute(sql`
    INSERT INTO ${operationItems} (operation_id, ordinal, target, status, detail)
    SELECT ${id}, ${targets.length}::int + ordinal, target, 'skipped', 'There is nothing by this id that this can be done to.'
    FROM unnest(${sql.param([...missing])}::text[]) WITH ORDINALITY AS unknown (target, ordinal)`);
}
