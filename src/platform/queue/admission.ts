import type { Job } from 'bullmq';
import { originOf } from './add-job';
import type { AttemptHistory, AttemptLog } from './attempt-log.service';
import type { AttemptRecord } from './attempt-record';
import { CorruptPayload } from './corrupt-payload';
import { childOfFailure, JobDeathError } from './death-cause';
import { queueDefaults, type QueueDefinition } from './define-queue';
import { JobCancelledError } from './job-interruption';

/** Why BullMQ would fail a job without asking its processor; the worker puts it here, so that the consumer is asked. */
export const deferredFailures = new WeakMap<Job, string>();

/** Whether nothing speaks against a start: a readable job, at its first start, that does not expire. Asks nobody. */
export function isPlainStart(job: Job): boolean {
  return (
    job.attemptsStarted === 1 &&
    (job.name as string | undefined) !== undefined &&
    !(job.data instanceof CorruptPayload) &&
    originOf(job).expiresAt === undefined &&
    !deferredFailures.has(job)
  );
}

/**
 * Lets a job start, or throws what it dies of without its handler: {@link JobDeathError} or JobCancelledError.
 * Records the earlier starts that nobody came back from. No command to Redis at a sound job's first start.
 */
export async function admit(job: Job, definition: QueueDefinition, log: AttemptLog): Promise<void> {
  await refuseUnreadable(job, definition, log);
  if (job.attemptsStarted > 1) await judgeHistory(job, definition, log);
  const deferred = deferredFailures.get(job);
  const child = childOfFailure(deferred);
  if (child !== undefined) {
    throw new JobDeathError('child_failed', `Job ${child}, which this one waits for, has failed for good.`);
  }
  if (deferred !== undefined) throw new JobDeathError('stalled', deferred);
  const { expiresAt } = originOf(job);
  if (job.attemptsStarted === 1 && expiresAt !== undefined && Date.now() > expiresAt) {
    const expiredAt = new Date(expiresAt).toISOString();
    throw new JobDeathError('expired', `The job waited too long: it was to start before ${expiredAt}.`);
  }
}

async function refuseUnreadable(job: Job, definition: QueueDefinition, log: AttemptLog): Promise<void> {
  const { id = '' } = job;
  const data: unknown = job.data;
  // Taking a job writes to its hash, so that one that was gone is there again, without a name.
  if ((job.name as string | undefined) === undefined) {
    await log.repair(definition, id);
    throw new JobDeathError('missing_data', 'The record of the job was gone from Redis before it started.');
  }
  if (data instanceof CorruptPayload) {
    await log.repair(definition, id, { data: data.replacement });
    throw new JobDeathError('corrupt_data', `The payload in Redis is not JSON: ${data.problem}`);
  }
}

async function judgeHistory(job: Job, definition: QueueDefinition, log: AttemptLog): Promise<void> {
  const { id = '', attemptsStarted } = job;
  const history = await log.read(definition, id);
  const lost = lostStarts(history, attemptsStarted);
  if (lost.length > 0) await log.append(definition, id, lost);
  if (history.cancelWish !== undefined) throw new JobCancelledError(history.cancelWish);
  const most = (job.opts.attempts ?? 1) + queueDefaults.maxStalledCount + 1;
  if (attemptsStarted - history.returns <= most) return;
  throw new JobDeathError(
    'started_too_often',
    `The job was started ${attemptsStarted} times without an end: it seems to take its workers down.`,
  );
}

/** Starts after the newest record: their workers died, or lost the job, before they could write one. */
function lostStarts({ records }: AttemptHistory, attemptsStarted: number): AttemptRecord[] {
  const newest = Math.max(0, ...records.map(({ start }) => start));
  const missing = Math.min(attemptsStarted - 1 - newest, MAX_LOST_AT_ONCE);
  return Array.from({ length: Math.max(0, missing) }, (_, at) => ({
    start: attemptsStarted - missing + at,
    outcome: 'lost' as const,
  }));
}

// A start notices those before it, so that more than one is rare already.
const MAX_LOST_AT_ONCE = 10;
