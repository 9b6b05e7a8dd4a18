import { Injectable } from '@nestjs/common';
import { and, asc, count, desc, eq, gte, inArray, max, min, sql, type SQL } from 'drizzle-orm';
import { Database } from '../database/database.service';
import type { DeadLetter } from './dead-letter-entry';
import { conditionsOf, type DeadLetterFilter } from './dead-letter-filter';
import { grouped, summary, type DeadLetterGroup, type DeadLetterSummary } from './dead-letter-summary';
import { deadLetters } from './dead-letter.tables';

const DAY_MS = 86_400_000;
/** How long a discarded dead letter can be had back. */
export const TRASH_MS = 7 * DAY_MS;

/** Who decides, and why. */
export interface Decision {
  readonly by: string;
  readonly reason: string;
}

export interface DeadLetterPosition {
  readonly finishedAt: number;
  readonly id: string;
}

/** Finds dead letters, and records what people decide about them. */
@Injectable()
export class DeadLetterStore {
  constructor(private readonly database: Database) {}

  async find(id: string, tenant = 'default'): Promise<DeadLetter | undefined> {
    this.database.assertReady();
    const [letter] = await this.database.query
      .select()
      .from(deadLetters)
      .where(and(eq(deadLetters.id, id), eq(deadLetters.tenant, tenant)));
    return letter;
  }

  /** Those of the ids that are there, of any tenant, with the attempts of each; at most 500. */
  async ofIds(
    ids: readonly string[],
  ): Promise<(Pick<DeadLetter, 'attempts'> & Pick<DeadLetterSummary, keyof typeof grouped>)[]> {
    this.database.assertReady();
    if (ids.length === 0) return [];
    return this.database.query
      .select({ ...grouped, attempts: deadLetters.attempts })
      .from(deadLetters)
      .where(inArray(deadLetters.id, [...ids]));
  }

  /** Newest first. */
  async list(
    filter: DeadLetterFilter,
    page: { readonly limit: number; readonly after?: DeadLetterPosition },
    tenant = 'default',
  ): Promise<DeadLetterSummary[]> {
    this.database.assertReady();
    const { after } = page;
    const beyond =
      after === undefined
        ? undefined
        : sql`(${deadLetters.finishedAt}, ${deadLetters.id}) < (${after.finishedAt}::bigint, ${after.id}::text)`;
    return this.database.query
      .select(summary)
      .from(deadLetters)
      .where(and(conditionsOf(filter, tenant), beyond))
      .orderBy(desc(deadLetters.finishedAt), desc(deadLetters.id))
      .limit(page.limit);
  }

  /** The largest groups first. */
  async groups(filter: DeadLetterFilter, limit: number, tenant = 'default'): Promise<DeadLetterGroup[]> {
    this.database.assertReady();
    const { fingerprint, queue, type, cause, errorName } = deadLetters;
    return this.database.query
      .select({
        fingerprint,
        queue,
        type,
        cause,
        errorName,
        errorMessage: sql<string>`max(${deadLetters.errorMessage})`,
        count: count(),
        firstAt: sql<number>`${min(deadLetters.finishedAt)}`.mapWith(Number),
        lastAt: sql<number>`${max(deadLetters.finishedAt)}`.mapWith(Number),
        sampleId: sql<string>`max(${deadLetters.id})`,
      })
      .from(deadLetters)
      .where(conditionsOf(filter, tenant))
      .groupBy(fingerprint, queue, type, cause, errorName)
      .orderBy(desc(count()), asc(fingerprint))
      .limit(limit);
  }

  /** How many of each queue nobody has decided about, of all tenants; a queue without any is missing. */
  async deadByQueue(): Promise<ReadonlyMap<string, number>> {
    this.database.assertReady();
    const { queue, status } = deadLetters;
    const rows = await this.database.query
      .select({ queue, count: count() })
      .from(deadLetters)
      .where(eq(status, 'dead'))
      .groupBy(queue);
    return new Map(rows.map((row) => [row.queue, row.count]));
  }

  /** The newest death of a job that nobody has decided about. */
  async undecidedOf(job: string, tenant = 'default'): Promise<DeadLetter | undefined> {
    this.database.assertReady();
    const [letter] = await this.database.query
      .select()
      .from(deadLetters)
      .where(and(eq(deadLetters.jobId, job), eq(deadLetters.tenant, tenant), eq(deadLetters.status, 'dead')))
      .orderBy(desc(deadLetters.finishedAt))
      .limit(1);
    return letter;
  }

  /** Those of the jobs that have no death anybody could still send back. */
  async decidedOf(jobIds: readonly string[]): Promise<ReadonlySet<string>> {
    this.database.assertReady();
    const open = await this.database.query
      .selectDistinct({ jobId: deadLetters.jobId })
      .from(deadLetters)
      .where(
        and(
          inArray(deadLetters.jobId, [...jobIds]),
          inArray(deadLetters.status, ['dead', 'redriving', 'discarded']),
        ),
      );
    const undecided = new Set(open.map(({ jobId }) => jobId));
    return new Set(jobIds.filter((id) => !undecided.has(id)));
  }

  /** The oldest deaths first. */
  async targets(
    filter: DeadLetterFilter,
    limit: number,
    tenant = 'default',
  ): Promise<Pick<DeadLetter, 'id' | 'queue'>[]> {
    this.database.assertReady();
    const { id, queue, finishedAt } = deadLetters;
    return this.database.query
      .select({ id, queue })
      .from(deadLetters)
      .where(conditionsOf(filter, tenant))
      .orderBy(asc(finishedAt), asc(id))
      .limit(limit);
  }

  /** The jobs that these are the deaths of. */
  async jobsOf(ids: readonly string[], tenant = 'default'): Promise<string[]> {
    if (ids.length === 0) return [];
    const rows = await this.database.query
      .select({ jobId: deadLetters.jobId })
      .from(deadLetters)
      .where(conditionsOf({ ids }, tenant));
    return rows.map(({ jobId }) => jobId);
  }

  /** The death of the run that a redrive of this dead letter began. */
  async deathAfter(id: string): Promise<DeadLetterSummary | undefined> {
    const [letter] = await this.database.query
      .select(summary)
      .from(deadLetters)
      .where(eq(deadLetters.redrivenFrom, id))
      .limit(1);
    return letter;
  }

  /** Puts another payload beside the original one; undefined when it is not dead (any more). */
  async edit(id: string, payload: object, { by, reason }: Decision): Promise<DeadLetter | undefined> {
    const [letter] = await this.database.query
      .update(deadLetters)
      .set({
        editedPayload: JSON.stringify(payload),
        changedAt: sql`now()`,
        changedBy: by,
        changeReason: reason,
      })
      .where(and(eq(deadLetters.id, id), eq(deadLetters.status, 'dead')))
      .returning();
    return letter;
  }

  /** Moves dead ones to the trash; answers with those that were moved. */
  async discard(ids: readonly string[], { by, reason }: Decision): Promise<ReadonlySet<string>> {
    return this.move(ids, eq(deadLetters.status, 'dead'), {
      status: 'discarded',
      isShownWanted: false,
      changedBy: by,
      changeReason: reason,
    });
  }

  /** Takes discarded ones out of the trash while their time there lasts; answers with those that came back. */
  async restore(
    ids: readonly string[],
    { by, reason }: Decision,
    now = Date.now(),
  ): Promise<ReadonlySet<string>> {
    const condition = and(
      eq(deadLetters.status, 'discarded'),
      gte(deadLetters.changedAt, new Date(now - TRASH_MS)),
    )!;
    return this.move(ids, condition, {
      status: 'dead',
      isShownWanted: true,
      changedBy: by,
      changeReason: reason,
    });
  }

  private async move(
    ids: readonly string[],
    condition: SQL,
    change: Partial<DeadLetter>,
  ): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    this.database.assertReady();
    const moved = await this.database.query
      .update(deadLetters)
      .set({ ...change, changedAt: sql`now()` })
      .where(and(inArray(deadLetters.id, [...ids]), condition))
      .returning({ id: deadLetters.id });
    return new Set(moved.map(({ id }) => id));
  }
}
