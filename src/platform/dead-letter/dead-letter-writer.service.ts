import { Injectable, Logger } from '@nestjs/common';
import { and, asc, eq, inArray, or, sql } from 'drizzle-orm';
import { Database, type Transaction } from '../database/database.service';
import type { FinishedJob } from '../queue/job-sets.service';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { deadLetterOf, type DeadLetter, type NewDeadLetter } from './dead-letter-entry';
import { deadLetters } from './dead-letter.tables';

/** Writes dead letters, each death once, and links them to what the same job had died of before. */
@Injectable()
export class DeadLetterWriter {
  private readonly logger = new Logger('DeadLetters');

  constructor(private readonly database: Database) {}

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
      jobId: deadLetters.jobId,
      queue: deadLetters.queue,
      cause: deadLetters.cause,
      finishedAt: deadLetters.finishedAt,
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
    const { queue, jobId, cause } = first;
    this.logger.warn({ msg: `Parked ${added.length} dead letters of ${queue}`, queue, jobId, cause });
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
