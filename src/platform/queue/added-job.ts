import type { Job } from 'bullmq';
import { originOf } from './add-job';
import type { KnownJob } from './known-job';
import type { JobSnapshot } from './job-snapshot';
import { priorityName } from './priority';

/** A job as it stood at the moment it was added, without a question to Redis. */
export function addedSnapshot(job: Job): JobSnapshot {
  const { id = '', name, queueName, opts, timestamp, data } = job;
  const delayMs = opts.delay ?? 0;
  return {
    id,
    queue: queueName,
    type: name,
    state: delayMs > 0 ? 'delayed' : 'waiting',
    origin: originOf(job),
    priority: priorityName(opts.priority ?? 0),
    createdAt: timestamp,
    ...(delayMs > 0 && { runAt: timestamp + delayMs }),
    attemptsMade: 0,
    attemptsMax: opts.attempts ?? 1,
    progress: 0,
    data: JSON.stringify(data),
    starts: 0,
    attempts: [],
  };
}

/** What can still be said of a job that is gone and only remembered, from the add that met its memory. */
export function rememberedSnapshot(added: JobSnapshot, known: KnownJob | undefined): JobSnapshot {
  const { runAt: _runAt, ...rest } = added;
  return {
    ...rest,
    state: known?.ended ?? 'removed',
    ...(known !== undefined && { createdAt: known.createdAt, type: known.type }),
    ...(known?.ended === 'failed' && { failedName: 'Error', failedReason: '' }),
  };
}
