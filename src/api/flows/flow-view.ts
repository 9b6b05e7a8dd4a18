import { MASK } from '../../platform/auth/masked.decorator';
import { maySeePayloads, type Principal } from '../../platform/auth/principal';
import { isOver, type FlowJobStatus, type FlowStatus } from '../../platform/flows/flow-status';
import { describedError } from '../../platform/ledger/error-group';
import type { FlowDto, FlowJobDto } from './flow.dto';

export function flowPath(id: string): string {
  return `/api/flows/${id}`;
}

/** A flow as a caller sees it: what its jobs died of only where their payloads may be seen. */
export function flowView(flow: FlowStatus, viewer: Principal): FlowDto {
  const { id, key, state, progress, createdAt, finishedAt, ignoredFailures, root } = flow;
  return {
    id,
    key,
    state,
    done: isOver(flow),
    progress,
    createdAt: iso(createdAt),
    ...(finishedAt !== undefined && { finishedAt: iso(finishedAt) }),
    ignoredFailures: [...ignoredFailures],
    root: jobView(root, viewer),
    links: { self: flowPath(id), events: `${flowPath(id)}/events`, cancel: `${flowPath(id)}/cancel` },
  };
}

function jobView(job: FlowJobStatus, viewer: Principal): FlowJobDto {
  const { id, name, queue, type, state, onFailure, progress, startedAt, finishedAt, error } = job;
  return {
    id,
    name,
    queue,
    type,
    state,
    ...(onFailure !== undefined && { onFailure }),
    progress,
    attempts: { made: job.attemptsMade, max: job.attemptsMax },
    ...(startedAt !== undefined && { startedAt: iso(startedAt) }),
    ...(finishedAt !== undefined && { finishedAt: iso(finishedAt) }),
    ...(error !== undefined && { error: errorView(error, maySeePayloads(viewer, queue)) }),
    children: job.children.map((child) => jobView(child, viewer)),
    links: { self: `/api/queue/jobs/${id}`, dashboard: `/admin/queues/queue/${queue}/${id}` },
  };
}

function errorView({ name, message }: { name: string; message: string }, isShown: boolean) {
  const { group } = describedError(name, message);
  return { name, message: isShown ? message : MASK, group };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
