import type { Job } from 'bullmq';
import type { QueueDefinition } from './define-queue';

/**
 * What the platform does around every handler, whatever the queue.
 * Each provider that extends this class is found by itself when a worker is built, in the order of the modules.
 */
export abstract class JobStep {
  /**
   * Turns the payload as it is stored into the one that is checked and handed to the handler; returns `job.data`
   * where there is nothing to do. Throws JobReturnedError to give the job back unharmed, JobDeathError to let it die.
   */
  prepare?(job: Job, definition: QueueDefinition): unknown;

  /** Turns what the handler returned into what is kept of it, before its size is judged. */
  settle?(job: Job, definition: QueueDefinition, result: unknown): unknown;
}

/** The job goes back to its queue, and no attempt is counted: this worker cannot do it, another one can. */
export class JobReturnedError extends Error {
  constructor(
    reason: string,
    /** The wait before the next worker may take it. */
    readonly delayMs: number,
  ) {
    super(reason);
    this.name = 'JobReturnedError';
  }
}
