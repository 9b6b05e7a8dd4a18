import type { Job, JobsOptions, Queue } from 'bullmq';
import { correlationId } from '../logging/correlation';
import { declaredJob, queueDefaults, type JobDefinition, type QueueDefinition } from './define-queue';
import { jobId } from './job-id';
import { checkPayload } from './job-payload';
import { priorityNumber, type Priority } from './priority';

export interface AddOptions {
  /** The same key is the same job. Any characters, at most 255. */
  readonly key?: string;
  readonly delayMs?: number;
  /** Total runs, the first included. */
  readonly attempts?: number;
  readonly backoff?: JobDefinition['backoff'];
  readonly priority?: Priority;
  readonly tenant?: string;
  /** Defaults to that of the running request or job. */
  readonly correlationId?: string;
}

/** Where a job comes from; kept in its options, beside BullMQ's own, never in the payload. */
export interface JobOrigin {
  readonly tenant: string;
  readonly correlationId: string;
  readonly key?: string;
}

interface StoredOptions extends JobsOptions {
  readonly origin: JobOrigin;
}

/** The origin of a job that Holdfast added, or that of a stranger's job with a correlation id of its own. */
export function originOf(job: Pick<Job, 'id' | 'opts'>): JobOrigin {
  const { origin } = job.opts as Partial<StoredOptions>;
  return origin ?? { tenant: 'default', correlationId: job.id ?? 'unknown' };
}

/** A job type that the queue does not declare. */
export class UnknownJobError extends Error {
  constructor(queue: string, name: string) {
    super(`Queue "${queue}" declares no job "${name}".`);
    this.name = 'UnknownJobError';
  }
}

/** A priority on a queue that runs its jobs in order of arrival. */
export class PriorityRefusedError extends Error {
  constructor(queue: string) {
    super(`Queue "${queue}" has no priorities: leave the priority out, or send "normal".`);
    this.name = 'PriorityRefusedError';
  }
}

/**
 * Checks the payload, then adds one job under an id of ours, so that a repeated send is still one job.
 * Throws PayloadInvalidError, {@link UnknownJobError}, {@link PriorityRefusedError}, or the error of Redis.
 */
export async function addJob<T extends object>(
  definition: QueueDefinition,
  queue: Queue,
  name: string,
  payload: T,
  options: AddOptions = {},
): Promise<Job<T>> {
  const declared = declaredJob(definition, name);
  if (declared === undefined) throw new UnknownJobError(definition.name, name);
  await checkPayload(name, declared.payload, payload);
  return queue.add(name, payload, storedOptions(definition, declared, options)) as Promise<Job<T>>;
}

function storedOptions(
  definition: QueueDefinition,
  declared: JobDefinition,
  options: AddOptions,
): StoredOptions {
  const { key, tenant = 'default' } = options;
  const backoff = options.backoff ?? declared.backoff ?? queueDefaults.backoff;
  const priority = options.priority ?? declared.priority ?? 'normal';
  if (definition.hasPriorities !== true && priority !== 'normal') {
    throw new PriorityRefusedError(definition.name);
  }
  return {
    jobId: jobId(definition.name, key, tenant),
    attempts: options.attempts ?? declared.attempts ?? queueDefaults.attempts,
    backoff: { type: backoff.type, delay: backoff.delayMs },
    stackTraceLimit: 10,
    ...(definition.hasPriorities === true && { priority: priorityNumber(priority) }),
    ...(options.delayMs !== undefined && { delay: options.delayMs }),
    origin: {
      tenant,
      correlationId: options.correlationId ?? correlationId(),
      ...(key !== undefined && { key }),
    },
  };
}
