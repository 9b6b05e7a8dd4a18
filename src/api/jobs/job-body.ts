import { masked } from '../../platform/auth/masked.decorator';
import { maySeePayloads, type Principal } from '../../platform/auth/principal';
import { describedError } from '../../platform/ledger/error-group';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { entityTag } from '../../platform/http/entity-tag';
import type { JobDto, JobErrorDto, JobProgressDto } from './job.dto';

/** Where a job answers. */
export function jobPath(id: string): string {
  return `/api/queue/jobs/${id}`;
}

/** What only `payloads:read` shows of a job. */
export const hiddenOfJob = ['result', 'error.message', 'progress.message', 'hold.key'] as const;

/** The entity tag of a job as Redis has it: its payload counts, although answers do not show it. */
export function jobTag(job: JobSnapshot, viewer: Principal): string {
  return tagFor(viewer, jobBody(job), { data: job.data });
}

/** The tag of what a caller sees: from one made of what is hidden, payloads could be guessed. */
export function tagFor(viewer: Principal, body: JobDto, unshown: object = {}): string {
  return maySeePayloads(viewer, body.queue)
    ? entityTag({ ...body, ...unshown })
    : entityTag(masked(body, hiddenOfJob));
}

export function isDone({ state }: JobSnapshot): boolean {
  return ['completed', 'failed', 'cancelled', 'removed'].includes(state);
}

/** The job as callers see it: never its payload, and a result or an error only once it is done. */
export function jobBody(job: JobSnapshot): JobDto {
  return {
    id: job.id,
    key: job.origin.key ?? null,
    queue: job.queue,
    type: job.type,
    state: job.state,
    done: isDone(job),
    priority: job.priority,
    createdAt: iso(job.createdAt),
    ...(job.runAt !== undefined && { runAt: iso(job.runAt) }),
    ...(job.startedAt !== undefined && { startedAt: iso(job.startedAt) }),
    ...(job.finishedAt !== undefined && { finishedAt: iso(job.finishedAt) }),
    attempts: {
      made: job.attemptsMade,
      max: job.attemptsMax,
      ...(job.nextAttemptAt !== undefined && { nextAt: iso(job.nextAttemptAt) }),
    },
    progress: progressOf(job),
    ...(job.state === 'completed' && { result: job.result ?? null }),
    ...(job.failedReason !== undefined && {
      error: errorOf(job.failedName ?? 'Error', job.failedReason),
    }),
    ...(job.origin.flow !== undefined && {
      flow: { id: job.origin.flow.id, path: job.origin.flow.path },
    }),
    links: { self: jobPath(job.id), dashboard: `/admin/queues/queue/${job.queue}/${job.id}` },
  };
}

function errorOf(name: string, message: string): JobErrorDto {
  return { name, message, group: describedError(name, message).group };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** A job that completed is through, whatever its handler reported last. */
function progressOf({ state, progress }: JobSnapshot): JobProgressDto {
  const { percent, stage, message } = (
    typeof progress === 'object' && progress !== null ? progress : { percent: progress }
  ) as Record<keyof JobProgressDto, unknown>;
  return {
    percent: state === 'completed' ? 100 : bounded(percent),
    ...(typeof stage === 'string' && { stage: stage.slice(0, 100) }),
    ...(typeof message === 'string' && { message: message.slice(0, 500) }),
  };
}

function bounded(percent: unknown): number {
  return typeof percent === 'number' && Number.isFinite(percent) ? Math.min(100, Math.max(0, percent)) : 0;
}
