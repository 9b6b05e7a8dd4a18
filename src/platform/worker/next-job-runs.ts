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
    const { id } = job;
    // BullMQ renews locks only while a worker runs.
    const { lockDuration = 30_000 } = worker.opts;
    const renew = () => worker.extendJobLocks([id], [token], lockDuration);
    const renewal = setInterval(() => void renew().catch(() => []), lockDuration / 3);
    const ended = worker.processJob(job, token, () => false).finally(() => clearInterval(renewal));
    const run = { worker, jobId: id, ended };
    this.runs.add(run);
    try {
      await ended;
    } finally {
      this.runs.delete(run);
    }
    return job;
  }

  /** The ids of the jobs that run on this worker. */
  of(worker: Worker): readonly string[] {
    return this.on(worker).map(({ jobId }) => jobId);
  }

  /** Resolves when all that runs on this worker has ended. */
  async ended(worker: Worker): Promise<void> {
    await Promise.allSettled(this.on(worker).map(({ ended }) => ended));
  }

  private on(worker: Worker): Run[] {
    return [...this.runs].filter((run) => run.worker === worker);
  }
}
