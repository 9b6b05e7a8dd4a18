import type { Job } from 'bullmq';
import { originOf } from './add-job';
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

/** Whether an add with a key met a job that was there already, judged by what is stored under its id now. */
export function isDuplicateOf(added: Job, stored: JobSnapshot): boolean {
  const { correlationId } = originOf(added);
  return stored.createdAt !== added.timestamp || stored.origin.correlationId !== correlationId;
}
