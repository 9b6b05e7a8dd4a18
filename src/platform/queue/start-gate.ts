import type { Job } from 'bullmq';

/** What is asked before a job of a queue with limits per key is worked. */
export interface StartGate {
  /** Whether it was let in before; asks nobody. */
  isLetIn(job: Job): boolean;
  /** False where the job has gone back to wait, as if it had not been started. Rejects with the error of Redis. */
  letIn(job: Job, token: string | undefined): Promise<boolean>;
}
