import {
  DelayedError,
  RateLimitError,
  UnrecoverableError,
  WaitingChildrenError,
  WaitingError,
  type Job,
} from 'bullmq';
import { JobDeathError, type DeathCause } from './death-cause';
import type { JobDefinition } from './define-queue';
import { JobCancelledError, JobTimeoutError, LockLostError, SHUTDOWN_REASON } from './job-interruption';
import { JobReturnedError } from './job-step';
import { boundedError, finalError } from './job-outcome';

/** What is to be done about an attempt that did not complete. */
export type Verdict =
  /** Another worker may have the job: nothing is written. */
  | { readonly kind: 'leave' }
  /** Back to the queue, without an attempt. */
  | { readonly kind: 'return'; readonly delayMs: number; readonly why: string }
  /** The handler has moved the job by means of BullMQ, and tells so by this error. */
  | { readonly kind: 'moved'; readonly error: Error }
  | { readonly kind: 'cancel'; readonly error: Error }
  | { readonly kind: 'fail'; readonly error: Error; readonly cause?: DeathCause };

/** Judges what an attempt ended with; the reason of its signal tells an interruption from a failure. */
export function judge(
  thrown: unknown,
  job: Pick<Job, 'attemptsMade' | 'opts'>,
  signal: AbortSignal,
  declared?: Pick<JobDefinition, 'retriesTimeouts'>,
): Verdict {
  if (thrown instanceof LockLostError) return { kind: 'leave' };
  if (thrown instanceof JobCancelledError) return { kind: 'cancel', error: finalError(thrown) };
  if (thrown instanceof JobReturnedError) {
    return { kind: 'return', delayMs: thrown.delayMs, why: thrown.message };
  }
  if (hasMovedItself(thrown)) return { kind: 'moved', error: thrown };
  // What is beyond hope stays so, whoever stops.
  if (thrown instanceof JobDeathError) {
    return { kind: 'fail', error: boundedError(thrown), cause: thrown.deathCause };
  }
  if (signal.reason === SHUTDOWN_REASON) return { kind: 'return', delayMs: 0, why: SHUTDOWN_REASON };
  return failure(boundedError(thrown), job, declared);
}

function failure(
  error: Error,
  { attemptsMade, opts }: Pick<Job, 'attemptsMade' | 'opts'>,
  declared?: Pick<JobDefinition, 'retriesTimeouts'>,
): Verdict {
  const isLast = attemptsMade + 1 >= (opts.attempts ?? 1);
  if (error instanceof JobTimeoutError) {
    if (!isLast && declared?.retriesTimeouts !== false) return { kind: 'fail', error };
    return { kind: 'fail', error: finalError(error), cause: 'timeout' };
  }
  if (error instanceof UnrecoverableError || error.name === 'UnrecoverableError') {
    return { kind: 'fail', error, cause: 'unrecoverable' };
  }
  return { kind: 'fail', error, ...(isLast && { cause: 'attempts_used' as const }) };
}

function hasMovedItself(thrown: unknown): thrown is Error {
  return (
    thrown instanceof DelayedError ||
    thrown instanceof WaitingError ||
    thrown instanceof WaitingChildrenError ||
    thrown instanceof RateLimitError
  );
}
