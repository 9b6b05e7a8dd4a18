import { Injectable, Logger } from '@nestjs/common';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { LedgerPartitions } from './ledger-partitions.service';
import { attemptRows, ledgerRow, type LedgerAttemptRow, type LedgerRow } from './ledger-row';
import type { ReadJob } from '../queue/job-sets.service';
import { LedgerStore, type LedgerCursor } from './ledger.store';

/** Makes rows of jobs that were read from Redis, and has them written. */
@Injectable()
export class LedgerRecorder {
  private readonly logger = new Logger('Ledger');

  constructor(
    private readonly store: LedgerStore,
    private readonly partitions: LedgerPartitions,
  ) {}

  /** Writes jobs of one queue, and moves the cursors with them. Rejects with the error of PostgreSQL. */
  async record(
    { definition }: RegisteredQueue,
    read: readonly ReadJob[],
    cursors: readonly LedgerCursor[] = [],
  ): Promise<void> {
    const rows = read.map(({ job, readAt }) => ledgerRow(job, definition, readAt));
    await this.put(
      rows,
      read.flatMap(({ job }) => (job.attempts.length === 0 ? [] : attemptRows(job))),
      cursors,
    );
  }

  /** Writes rows as they are; of two with the same key the later one holds. */
  async put(
    rows: readonly LedgerRow[],
    attempts: readonly LedgerAttemptRow[],
    cursors: readonly LedgerCursor[] = [],
  ): Promise<void> {
    if (rows.length === 0 && cursors.length === 0) return;
    const jobs = [...new Map(rows.map((row) => [`${row.id} ${row.created_at}`, row])).values()];
    await this.partitions.ensure(jobs.map(({ created_at }) => Date.parse(created_at)));
    await this.store.put({ jobs, attempts }, cursors, ({ id, queue }, error) => {
      this.logger.error({
        msg: `Job ${id} cannot be kept in the history: ${(error.cause instanceof Error ? error.cause : error).message.slice(0, 300)}`,
        queue,
        jobId: id,
      });
    });
  }
}
