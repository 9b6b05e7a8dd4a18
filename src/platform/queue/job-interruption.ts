import type { CancelWish } from './attempt-log.service';

/** The reason of an abort that must not cost the job an attempt: its worker is stopping. */
export const SHUTDOWN_REASON = 'worker is shutting down';

/** Why an attempt is over whatever its handler still says; the reason of the handler's signal. */
export abstract class JobInterruption extends Error {}

/** An attempt ran longer than its job allows. */
export class JobTimeoutError extends JobInterruption {
  constructor(readonly timeoutMs: number) {
    super(`The attempt ran longer than its limit of ${timeoutMs} ms.`);
    this.name = 'JobTimeoutError';
  }
}

/** Somebody cancelled the job while it ran, or between two attempts. */
export class JobCancelledError extends JobInterruption {
  constructor({ reason, by }: CancelWish) {
    super(`The job was cancelled by ${by.slice(0, 100)}: ${reason.slice(0, 500)}`);
    this.name = 'JobCancelledError';
  }
}

/** Another worker may have the job by now; nothing that this attempt does counts any more. */
export class LockLostError extends JobInterruption {
  constructor() {
    super('The lock of the job was lost: another worker may have started it again.');
    this.name = 'LockLostError';
  }
}
