import type { Logger } from '@nestjs/common';
import { DelayedError, WaitingError, type Job } from 'bullmq';
import type { Attempt } from './attempt';
import type { Appended, AttemptLog } from './attempt-log.service';
import { recordedError, type AttemptRecord } from './attempt-record';
import type { Verdict } from './attempt-verdict';
import type { QueueDefinition } from './define-queue';
import { JobCancelledError } from './job-interruption';
import { finalError } from './job-outcome';
import { holdfastVersion, workerName } from './worker-identity';

type Written = Exclude<Verdict, { kind: 'leave' }>;

const MAX_LOGGED_STACK_LINES = 10;

/** Carries out what was judged of an attempt that did not complete. */
export class AttemptEnding {
  constructor(
    private readonly definition: QueueDefinition,
    private readonly logger: Logger,
    private readonly log?: AttemptLog,
    private readonly tell?: (job: Job, how: 'returned' | 'lost') => void,
  ) {}

  /** Writes the attempt's record, and returns the error that makes BullMQ do the rest. */
  async carryOut(verdict: Verdict, attempt: Attempt): Promise<Error> {
    const { job } = attempt;
    if (verdict.kind === 'leave') return this.leave(job);
    const { isOwner, cancelWish } = await this.record(verdict, attempt);
    if (!isOwner) return this.leave(job);
    switch (verdict.kind) {
      case 'return':
        return this.giveBack(attempt, verdict.delayMs, verdict.why);
      case 'moved':
        this.tell?.(job, 'returned');
        return verdict.error;
      case 'cancel':
        return this.report(verdict.error, attempt, 'was cancelled');
      default:
        // It failed by itself before it was told that nobody wants it any more.
        if (cancelWish === undefined) return this.report(verdict.error, attempt, 'failed');
        return this.report(finalError(new JobCancelledError(cancelWish)), attempt, 'was cancelled');
    }
  }

  // BullMQ leaves a job alone whose processor says that it waits already.
  private leave(job: Job): Error {
    const { id, name } = job;
    this.logger.warn({ msg: `Job ${id} was lost to another worker; what this one did does not count`, name });
    this.tell?.(job, 'lost');
    return new WaitingError();
  }

  private async giveBack({ job, token, ageMs }: Attempt, delayMs: number, why: string): Promise<Error> {
    if (token === undefined) return new Error(`Job ${job.id} cannot be given back without a token.`);
    if (delayMs > 0) await job.moveToDelayed(Date.now() + delayMs, token);
    else await job.moveToWait(token);
    this.tell?.(job, 'returned');
    this.logger.log({
      msg: `Job ${job.id} was given back to its queue`,
      type: job.name,
      why,
      durationMs: ageMs,
    });
    return delayMs > 0 ? new DelayedError() : new WaitingError();
  }

  private report(error: Error, { job, ageMs }: Attempt, what: 'failed' | 'was cancelled'): Error {
    this.logger[what === 'failed' ? 'error' : 'warn']({
      msg: `${what === 'failed' ? '❌ ' : ''}Job ${job.id} ${what}: ${error.message}`,
      type: job.name,
      attempt: job.attemptsMade + 1,
      attempts: job.opts.attempts,
      durationMs: ageMs,
      ...(what === 'failed' && {
        stack: error.stack?.split('\n').slice(0, MAX_LOGGED_STACK_LINES).join('\n'),
      }),
    });
    return error;
  }

  private async record(verdict: Written, { job, token, startedAt }: Attempt): Promise<Appended> {
    if (this.log === undefined) return { isOwner: true };
    const isReturn = verdict.kind === 'return' || verdict.kind === 'moved';
    const record: AttemptRecord = {
      start: job.attemptsStarted,
      startedAt,
      endedAt: Date.now(),
      worker: workerName,
      version: holdfastVersion,
      outcome: isReturn ? 'given_back' : verdict.kind === 'cancel' ? 'cancelled' : 'failed',
      ...(verdict.kind === 'fail' && verdict.cause !== undefined && { cause: verdict.cause }),
      ...((verdict.kind === 'fail' || verdict.kind === 'cancel') && { error: recordedError(verdict.error) }),
    };
    // Who has moved the job has let its lock go.
    const held = verdict.kind === 'moved' ? '' : (token ?? '');
    try {
      return await this.log.append(this.definition, job.id ?? '', [record], { token: held, isReturn });
    } catch (error) {
      this.logger.warn({
        msg: `No record of the attempt at job ${job.id}: ${String(error).slice(0, 300)}`,
        type: job.name,
      });
      return { isOwner: true };
    }
  }
}
