import { Injectable } from '@nestjs/common';
import { and, desc, eq, gte, inArray, sql, type SQL } from 'drizzle-orm';
import type { ModelUsage } from '../../integrations/charter-language/charter-extractor';
import type { CharterRequest, MissingField } from '../../integrations/charter-language/charter-request';
import { Database, type Transaction } from '../../platform/database/database.service';
import { Outbox } from '../../platform/outbox/outbox.service';
import { jobId } from '../../platform/queue/job-id';
import type { Priority } from '../../platform/queue/priority';
import { readingKey } from './charter-request-id';
import {
  charterRequests,
  type CharterAnswer,
  type CharterRequestRow,
  type CharterStatus,
} from './charter.tables';

/** The job type that reads requests, and its queue. */
const READING = { type: 'orchestrator-job', queue: 'orchestrator' } as const;

export interface NewCharterRequest {
  readonly id: string;
  readonly tenant: string;
  readonly userId: string;
  readonly caller?: string;
  readonly message: string;
  readonly clientEmail?: string;
  readonly clientName?: string;
  readonly timeZone: string;
  readonly priority: Priority;
}

export interface CharterPosition {
  readonly createdAt: Date;
  readonly id: string;
}

/** How requests went since a moment; times in milliseconds. */
export interface CharterFigures {
  readonly counts: Readonly<Record<CharterStatus, number>>;
  readonly proposals: number;
  readonly averageMs: number | null;
  readonly p95Ms: number | null;
  readonly longestMs: number | null;
  readonly withinTarget: number;
}

/** Document 001: jobs processed within 5 minutes on average. */
export const PROPOSAL_TARGET_MS = 300_000;

const unfinished: readonly CharterStatus[] = ['received', 'needs_information', 'searching'];

export function isUnfinished({ status }: Pick<CharterRequestRow, 'status'>): boolean {
  return unfinished.includes(status);
}

/** The charter requests of all tenants. */
@Injectable()
export class CharterRequests {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  /** Keeps a request and promises its first reading, together; a request of that id stays as it is. */
  async create(request: NewCharterRequest): Promise<CharterRequestRow> {
    const row = await this.database.transaction(async (transaction) => {
      const added = await this.insert(transaction, request);
      if (added === undefined) return this.lock(transaction, request.id, request.tenant);
      await this.promiseReading(transaction, added);
      return added;
    });
    this.outbox.wakeRelay();
    return row!;
  }

  /** Undefined where there is one of that id already. */
  async insert(transaction: Transaction, request: NewCharterRequest): Promise<CharterRequestRow | undefined> {
    const { id, tenant } = request;
    const [added] = await transaction
      .insert(charterRequests)
      .values({ ...request, jobId: readingJob(id, 1, tenant) })
      .onConflictDoNothing()
      .returning();
    return added;
  }

  async find(id: string, tenant: string): Promise<CharterRequestRow | undefined> {
    const [found] = await this.database.query.select().from(charterRequests).where(isOne(id, tenant));
    return found;
  }

  /** The same, and nobody else changes it until the transaction ends. */
  async lock(transaction: Transaction, id: string, tenant: string): Promise<CharterRequestRow | undefined> {
    const [found] = await transaction.select().from(charterRequests).where(isOne(id, tenant)).for('update');
    return found;
  }

  /** Newest first. */
  list(options: {
    tenant: string;
    limit: number;
    status?: CharterStatus;
    after?: CharterPosition;
  }): Promise<CharterRequestRow[]> {
    const { tenant, limit, status, after } = options;
    const conditions: SQL[] = [eq(charterRequests.tenant, tenant)];
    if (status !== undefined) conditions.push(eq(charterRequests.status, status));
    if (after !== undefined) {
      const at = after.createdAt.toISOString();
      conditions.push(
        sql`(${charterRequests.createdAt}, ${charterRequests.id}) < (${at}::timestamptz, ${after.id})`,
      );
    }
    return this.database.query
      .select()
      .from(charterRequests)
      .where(and(...conditions))
      .orderBy(desc(charterRequests.createdAt), desc(charterRequests.id))
      .limit(limit);
  }

  /** Sets what was understood, and what is to be asked or who goes on. */
  async settleReading(
    transaction: Transaction,
    { id, tenant }: Pick<CharterRequestRow, 'id' | 'tenant'>,
    reading: {
      readonly extraction: CharterRequest;
      readonly provider: string;
      readonly usage: ModelUsage | null;
      readonly missing: readonly MissingField[];
      readonly clientEmail: string | null;
      readonly clientName: string | null;
      readonly flowId?: string;
    },
  ): Promise<void> {
    const isComplete = reading.flowId !== undefined;
    await this.change(transaction, isOne(id, tenant), {
      ...reading,
      status: isComplete ? 'searching' : 'needs_information',
      ...(isComplete && { completeAt: sql`now()` as never }),
    });
  }

  /**
   * Takes answers and promises another reading, together. Resolves with the request as it was where it waits for no
   * answer, and undefined where it is not there.
   */
  async answer(
    id: string,
    tenant: string,
    answers: readonly Omit<CharterAnswer, 'round'>[],
  ): Promise<{ row: CharterRequestRow; isTaken: boolean } | undefined> {
    const taken = await this.database.transaction(async (transaction) => {
      const row = await this.lock(transaction, id, tenant);
      if (row === undefined) return undefined;
      const asked = new Set(row.missing.map(({ field }) => field));
      const isTaken = row.status === 'needs_information' && answers.every(({ field }) => asked.has(field));
      if (!isTaken) return { row, isTaken };
      const { round } = row;
      const [changed] = await this.change(transaction, isOne(id, tenant), {
        status: 'received',
        round: round + 1,
        jobId: readingJob(id, round + 1, tenant),
        answers: [...row.answers, ...answers.map((answer) => ({ ...answer, round }))],
      });
      await this.promiseReading(transaction, changed!);
      return { row: changed!, isTaken };
    });
    if (taken?.isTaken === true) this.outbox.wakeRelay();
    return taken;
  }

  /** Undefined where the request has ended already, or is not there. */
  async cancel(id: string, tenant: string): Promise<CharterRequestRow | undefined> {
    return this.database.transaction(async (transaction) => {
      const condition = and(isOne(id, tenant), inArray(charterRequests.status, [...unfinished]))!;
      const [row] = await this.change(transaction, condition, { status: 'cancelled' });
      if (row !== undefined) {
        await this.outbox.withdraw(transaction, {
          type: READING.type,
          key: readingKey(id, row.round),
          tenant,
        });
      }
      return row;
    });
  }

  /** The proposal is on its way; once, whatever had gone wrong before. */
  async settleProposal(
    transaction: Transaction,
    id: string,
    tenant: string,
    status: 'proposed' | 'no_offer',
  ): Promise<void> {
    await this.change(transaction, isOne(id, tenant), {
      status,
      error: null,
      proposedAt: sql`now()` as never,
    });
  }

  /** One of its jobs has died, and with it the request; a redrive may bring it back. */
  async fail(transaction: Transaction, id: string, tenant: string, error: string): Promise<void> {
    const condition = and(isOne(id, tenant), inArray(charterRequests.status, ['received', 'searching']))!;
    await this.change(transaction, condition, { status: 'failed', error: error.slice(0, 500) });
  }

  async figures(tenant: string, since: Date): Promise<CharterFigures> {
    const own = and(eq(charterRequests.tenant, tenant), gte(charterRequests.createdAt, since));
    const took = sql`extract(epoch FROM ${charterRequests.proposedAt} - ${charterRequests.completeAt}) * 1000`;
    const [times] = await this.database.query
      .select({
        proposals: sql<number>`count(${charterRequests.proposedAt})::int`,
        averageMs: sql<number | null>`round(avg(${took}))::float8`,
        p95Ms: sql<
          number | null
        >`round((percentile_cont(0.95) WITHIN GROUP (ORDER BY ${took}))::numeric)::float8`,
        longestMs: sql<number | null>`round(max(${took}))::float8`,
        withinTarget: sql<number>`(count(*) FILTER (WHERE ${took} <= ${PROPOSAL_TARGET_MS}))::int`,
      })
      .from(charterRequests)
      .where(own);
    const states = await this.database.query
      .select({ status: charterRequests.status, count: sql<number>`count(*)::int` })
      .from(charterRequests)
      .where(own)
      .groupBy(charterRequests.status);
    const counts = Object.fromEntries(states.map(({ status, count }) => [status, count]));
    return { ...times!, counts: counts as CharterFigures['counts'] };
  }

  private change(
    transaction: Transaction,
    condition: SQL,
    values: Partial<typeof charterRequests.$inferInsert>,
  ): Promise<CharterRequestRow[]> {
    return transaction
      .update(charterRequests)
      .set({ ...values, updatedAt: sql`now()`, version: sql`${charterRequests.version} + 1` })
      .where(condition)
      .returning();
  }

  private async promiseReading(transaction: Transaction, row: CharterRequestRow): Promise<void> {
    const { id, tenant, userId, message, clientEmail, priority, round, caller } = row;
    await this.outbox.put(transaction, {
      type: READING.type,
      key: readingKey(id, round),
      tenant,
      payload: {
        requestId: id,
        userId,
        priority,
        type: 'analyze-request',
        message,
        ...(clientEmail !== null && { clientEmail }),
      },
      options: { priority },
      ...(caller !== null && { caller }),
    });
  }
}

function readingJob(id: string, round: number, tenant: string): string {
  return jobId(READING.queue, readingKey(id, round), tenant);
}

function isOne(id: string, tenant: string): SQL {
  return and(eq(charterRequests.tenant, tenant), eq(charterRequests.id, id))!;
}
