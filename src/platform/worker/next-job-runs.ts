import { randomUUID } from 'node:crypto';
import type { Job, Worker } from 'bullmq';

interface Run {
  readonly worker: Worker;
  readonly jobId: string;
  readonly ended: Promise<unknown>;
}

/** Jobs that are run one by one, on workers that are built but do not run. */
export class NextJobRuns {
  private readonly runs = new Set<Run>();

  /**
   * Takes the next waiting job and works it as the running worker would: same lock, same events, same retries.
   * Resolves with the job once it is settled, undefined when none waits. Rejects with the error of Redis.
   */
  async run(worker: Worker): Promise<Job | undefined> {
    const token = `process-next-${randomUUID()}`;
    const job = (await worker.getNextJob(token, { block: false })) as Job | undefined;
    if (job?.id === undefined) return undefined;
    // BullMQ renews locks only while a worker runs.
    const { lockDuration = 30_000 } = worker.opts;
    const renewal = setInterval(
      () => void job.extendLock(token, lockDuration).catch(() => 0),
      lockDuration / 3,
    );
    const ended = worker.processJob(job, token, () => false).finally(() => clearInterval(renewal));
    const run = { worker, jobId: job.id, ended };
    this.runs.add(run);
    try {
      await ended;
    } finally {
      this.runs.delete(run);
    }
    return job;
  }

  /** Aborts what this worker runs, for the reason given, and resolves when all of it has ended. */
  async stop(worker: Worker, reason: string): Promise<void> {
    const runs = [...this.runs].filter((run) => run.worker === worker);
    for (const { jobId } of runs) worker.cancelJob(jobId, reason);
    await Promise.allSettled(runs.map(({ ended }) => ended));
  }
}
