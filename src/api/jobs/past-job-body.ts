import type { LedgerAttempt, LedgerJob } from '../../platform/ledger/ledger-job';
import { describedError } from '../../platform/ledger/error-group';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { jobPath } from './job-body';
import type { JobAttemptDto, PastJobDto } from './job-list.dto';

/** A job of the history in a list; results and errors are there where they were asked for. */
export function pastJobBody(job: LedgerJob): PastJobDto {
  const { error, errorGroup } = job;
  return {
    id: job.id,
    key: job.key ?? null,
    queue: job.queue,
    type: job.type,
    state: job.state,
    done: job.finishedAt !== undefined,
    priority: job.priority,
    createdAt: iso(job.createdAt),
    ...(job.runAt !== undefined && { runAt: iso(job.runAt) }),
    ...(job.startedAt !== undefined && { startedAt: iso(job.startedAt) }),
    ...(job.finishedAt !== undefined && { finishedAt: iso(job.finishedAt) }),
    ...(job.waitMs !== undefined && { waitMs: job.waitMs }),
    ...(job.runMs !== undefined && { runMs: job.runMs }),
    attempts: { made: job.attemptsMade, max: job.attemptsMax },
    ...(job.worker !== undefined && { worker: job.worker }),
    tags: [...job.tags],
    ...(job.caller !== undefined && { caller: job.caller }),
    correlationId: job.correlationId,
    ...(errorGroup !== undefined && { errorGroup }),
    ...(error !== undefined && {
      error: { ...error, ...(errorGroup !== undefined && { group: errorGroup }) },
    }),
    ...(job.state === 'completed' && job.result !== undefined && { result: job.result }),
    links: { self: jobPath(job.id), attempts: `${jobPath(job.id)}/attempts` },
  };
}

/** A job of the history as Redis had it last, except for what the history does not keep. */
export function pastSnapshot(job: LedgerJob, state: JobSnapshot['state']): JobSnapshot {
  return {
    id: job.id,
    queue: job.queue,
    type: job.type,
    state,
    origin: {
      tenant: job.tenant,
      correlationId: job.correlationId,
      ...(job.key !== undefined && { key: job.key }),
    },
    priority: job.priority,
    createdAt: job.createdAt,
    ...(job.runAt !== undefined && { runAt: job.runAt }),
    ...(job.startedAt !== undefined && { startedAt: job.startedAt }),
    ...(job.finishedAt !== undefined && { finishedAt: job.finishedAt }),
    attemptsMade: job.attemptsMade,
    attemptsMax: job.attemptsMax,
    progress: 0,
    ...(state === 'completed' && { result: job.result ?? null }),
    ...(job.error !== undefined && { failedReason: job.error.message, failedName: job.error.name }),
    data: '{}',
    starts: job.starts,
    attempts: [],
  };
}

/** Recorded attempts, and the one that completed the job or is under way, which has no record. */
export function attemptBodies(
  recorded: readonly LedgerAttempt[],
  job: Pick<LedgerJob, 'state' | 'starts' | 'startedAt' | 'finishedAt' | 'worker'>,
): JobAttemptDto[] {
  const bodies = recorded.map(attemptBody);
  const outcome = job.state === 'active' ? 'running' : job.state;
  if (outcome !== 'running' && outcome !== 'completed') return bodies;
  return [
    ...bodies,
    {
      start: Math.max(job.starts, 1),
      ...(job.startedAt !== undefined && { startedAt: iso(job.startedAt) }),
      ...(job.finishedAt !== undefined && { endedAt: iso(job.finishedAt) }),
      ...(job.worker !== undefined && { worker: job.worker }),
      outcome,
    },
  ];
}

function attemptBody({ startedAt, endedAt, error, cause, ...rest }: LedgerAttempt): JobAttemptDto {
  return {
    ...rest,
    ...(startedAt !== undefined && { startedAt: iso(startedAt) }),
    ...(endedAt !== undefined && { endedAt: iso(endedAt) }),
    ...(cause !== undefined && { cause }),
    ...(error !== undefined && { error: describedError(error.name, error.message) }),
  };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
