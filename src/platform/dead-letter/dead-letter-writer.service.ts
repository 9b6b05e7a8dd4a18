import { Injectable, Logger } from '@nestjs/common';
import { and, asc, eq, inArray, or, sql } from 'drizzle-orm';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database, type Transaction } from '../database/database.service';
import type { FinishedJob } from '../queue/job-sets.service';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { deadLetterOf, type DeadLetter, type NewDeadLetter } from './dead-letter-entry';
import { deadLetters } from './dead-letter.tables';

/** A dead letter that was written just now. */
export type ParkedLetter = Pick<
  DeadLetter,
  'id' | 'tenant' | 'queue' | 'jobId' | 'type' | 'payload' | 'cause' | 'finishedAt' | 'errorMessage'
>;

/** Told of deaths in the transaction that notes them, each exactly once; at most 500 at a time. */
export type ParkedListener = (transaction: Transaction, letters: readonly ParkedLetter[]) => Promise<void>;

/** Writes dead letters, each death once, and links them to what the same job had died of before. */
@Injectable()
export class DeadLetterWriter {
  private readonly logger = new Logger('DeadLetters');
  private readonly listeners: ParkedListener[] = [];

  constructor(private readonly database: Database) {}

  /** From now on the listener hears of each death; one that throws is left out, and the death is noted all the same. */
  onParked(listener: ParkedListener): void {
    this.listeners.push(listener);
  }

  /** Those of the jobs that died; what is written already stays as it is. */
  async write(transaction: Transaction, entry: RegisteredQueue, jobs: readonly FinishedJob[]): Promise<void> {
    await this.insert(transaction, lettersOf(entry, jobs));
  }

  /** The same without a transaction where nothing is missing. */
  async writeMissing(entry: RegisteredQueue, jobs: readonly FinishedJob[]): Promise<void> {
    const deaths = await this.missing(entry, jobs);
    if (deaths.length > 0) await this.database.transaction((transaction) => this.insert(transaction, deaths));
  }

  private async missing(entry: RegisteredQueue, jobs: readonly FinishedJob[]): Promise<NewDeadLetter[]> {
    const all = lettersOf(entry, jobs);
    if (all.length === 0) return [];
    const known = await this.database.query
      .select({ id: deadLetters.id })
      .from(deadLetters)
      .where(
        inArray(
          deadLetters.id,
          all.map(({ id }) => id),
        ),
      );
    const ids = new Set(known.map(({ id }) => id));
    return all.filter(({ id }) => !ids.has(id));
  }

  private async insert(transaction: Transaction, deaths: readonly NewDeadLetter[]): Promise<void> {
    if (deaths.length === 0) return;
    const before = await earlierDeaths(transaction, deaths);
    const linked = deaths.map((death) => {
      const from = before.get(death.jobId)?.findLast(({ finishedAt }) => finishedAt < death.finishedAt);
      if (from === undefined) return death;
      return { ...death, redrivenFrom: from.id, redriveCount: from.redriveCount + 1 };
    });
    const added = await transaction.insert(deadLetters).values(linked).onConflictDoNothing().returning({
      id: deadLetters.id,
      tenant: deadLetters.tenant,
      queue: deadLetters.queue,
      jobId: deadLetters.jobId,
      type: deadLetters.type,
      cause: deadLetters.cause,
      finishedAt: deadLetters.finishedAt,
      errorMessage: deadLetters.errorMessage,
    });
    const [first] = added;
    if (first === undefined) return;
    const outlived = added.flatMap(({ jobId, finishedAt }) =>
      (before.get(jobId) ?? []).filter((one) => one.jobId === jobId && one.finishedAt < finishedAt),
    );
    await closeOutlived(
      transaction,
      outlived.map(({ id }) => id),
    );
    const payloads = new Map(linked.map(({ id, payload }) => [id, payload]));
    await this.tell(
      transaction,
      added.map((letter) => ({ ...letter, payload: payloads.get(letter.id) ?? '' })),
    );
    const { queue, jobId, cause } = first;
    this.logger.warn({ msg: `Parked ${added.length} dead letters of ${queue}`, queue, jobId, cause });
  }

  private async tell(transaction: Transaction, letters: readonly ParkedLetter[]): Promise<void> {
    for (const listener of this.listeners) {
      try {
        // A savepoint: what a listener cannot do must not keep a death from being noted.
        await transaction.transaction((inner) => listener(inner, letters));
      } catch (error) {
        if (isDatabaseAway(error)) throw error;
        this.logger.error(
          `Somebody could not be told of ${letters.length} deaths: ${String(error).slice(0, 300)}`,
        );
      }
    }
  }
}

function lettersOf({ definition }: RegisteredQueue, jobs: readonly FinishedJob[]): NewDeadLetter[] {
  return jobs.flatMap((job) => deadLetterOf(definition.name, job) ?? []);
}

type Earlier = Pick<DeadLetter, 'id' | 'jobId' | 'redrivenAs' | 'finishedAt' | 'redriveCount'>;

/** What these jobs died of before, oldest first, under the id they have now; a redrive may have changed it. */
async function earlierDeaths(
  transaction: Transaction,
  deaths: readonly NewDeadLetter[],
): Promise<Map<string, Earlier[]>> {
  const ids = deaths.map(({ jobId }) => jobId);
  const rows = await transaction
    .select({
      id: deadLetters.id,
      jobId: deadLetters.jobId,
      redrivenAs: deadLetters.redrivenAs,
      finishedAt: deadLetters.finishedAt,
      redriveCount: deadLetters.redriveCount,
    })
    .from(deadLetters)
    .where(or(inArray(deadLetters.jobId, ids), inArray(deadLetters.redrivenAs, ids)))
    .orderBy(asc(deadLetters.finishedAt));
  const byJob = new Map<string, Earlier[]>();
  for (const row of rows) {
    for (const id of new Set([row.jobId, row.redrivenAs ?? row.jobId])) {
      byJob.set(id, [...(byJob.get(id) ?? []), row]);
    }
  }
  return byJob;
}

/** A job that died anew was retried after its death before, by somebody who did not ask here. */
async function closeOutlived(transaction: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await transaction
    .update(deadLetters)
    .set({
      status: 'closed',
      isShownWanted: false,
      changedAt: sql`now()`,
      changeReason: 'The job ran again and died anew.',
    })
    .where(and(inArray(deadLetters.id, [...ids]), eq(deadLetters.status, 'dead')));
}
