import type { Job } from 'bullmq';

/** How an attempt ended that neither completed nor failed: its job waits again, or another worker has it. */
export type UnfinishedAttempt = 'returned' | 'lost';

/** Who is told of every job of this process while it runs; what is done here is paid for by each job. */
export interface JobObserver {
  started(job: Job): void;
  completed(job: Job): void;
  /** `isFinal` when there will be no other attempt. */
  failed(job: Job, error: Error, isFinal: boolean): void;
  unfinished(job: Job, how: UnfinishedAttempt): void;
  /** A job of the queue was found active without a worker, and waits again. */
  stalled(queue: string): void;
}
