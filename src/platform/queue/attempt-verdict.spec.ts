import { DelayedError, RateLimitError, UnrecoverableError } from 'bullmq';
import { judge } from './attempt-verdict';
import { JobDeathError } from './death-cause';
import { JobCancelledError, JobTimeoutError, LockLostError, SHUTDOWN_REASON } from './job-interruption';
import { JobReturnedError } from './job-step';

const first = { attemptsMade: 0, opts: { attempts: 3 } };
const last = { attemptsMade: 2, opts: { attempts: 3 } };
const calm = new AbortController().signal;

describe('the verdict on an attempt', () => {
  it.each([
    ['a failure that is followed by another attempt', new Error('no'), first, undefined],
    ['the last failure', new Error('no'), last, 'attempts_used'],
    [
      'a failure of a job that says nothing of attempts',
      new Error('no'),
      { ...first, opts: {} },
      'attempts_used',
    ],
    ['what is beyond hope', new UnrecoverableError('no'), first, 'unrecoverable'],
    ['a foreign error that calls itself so', named('UnrecoverableError'), first, 'unrecoverable'],
    ['a death with a cause of its own', new JobDeathError('expired', 'late'), first, 'expired'],
    ['a time-out that is tried again', new JobTimeoutError(5), first, undefined],
    ['the last time-out', new JobTimeoutError(5), last, 'timeout'],
  ])('names the cause of %s', (_what, thrown, job, cause) => {
    const verdict = judge(thrown, job, calm);
    expect(verdict).toMatchObject({ kind: 'fail', error: { message: thrown.message } });
    expect((verdict as { cause?: string }).cause).toBe(cause);
  });

  it('lets a time-out end the job at once where its type says so, under its own name', () => {
    const verdict = judge(new JobTimeoutError(5), first, calm, { retriesTimeouts: false });
    expect(verdict).toMatchObject({ kind: 'fail', cause: 'timeout', error: { name: 'JobTimeoutError' } });
    expect((verdict as { error: Error }).error).toBeInstanceOf(UnrecoverableError);
  });

  it('never retries what was cancelled, and writes nothing about a job that another worker has', () => {
    const cancelled = judge(new JobCancelledError({ reason: 'r', by: 'b' }), first, calm);
    expect(cancelled).toMatchObject({ kind: 'cancel', error: { name: 'JobCancelledError' } });
    expect((cancelled as { error: Error }).error).toBeInstanceOf(UnrecoverableError);
    expect(judge(new LockLostError(), last, calm)).toEqual({ kind: 'leave' });
  });

  it('gives a job back when its worker stops, or cannot do it, but not one that is beyond hope', () => {
    const stopping = AbortSignal.abort(SHUTDOWN_REASON);
    expect(judge(new Error('aborted'), last, stopping)).toMatchObject({ kind: 'return', delayMs: 0 });
    expect(judge(new JobDeathError('expired', 'x'), last, stopping)).toMatchObject({ kind: 'fail' });
    expect(judge(new JobReturnedError('too new', 5_000), last, calm)).toEqual({
      kind: 'return',
      delayMs: 5_000,
      why: 'too new',
    });
  });

  it('leaves a job where its handler has moved it', () => {
    for (const error of [new DelayedError(), new RateLimitError()]) {
      expect(judge(error, first, calm)).toEqual({ kind: 'moved', error });
    }
  });
});

function named(name: string): Error {
  return Object.assign(new Error('no'), { name });
}
