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
  /** The longest one attempt may run; the declaration's where it is left out. */
  readonly timeoutMs?: number;
  /** The longest the job may wait for its first start, after its delay; the declaration's where it is left out. */
  readonly waitLimitMs?: number;
  /** Words to find the job by, at most 10 of 50 characters. */
  readonly tags?: readonly string[];
  /** How often the job was sent back after it died. */
  readonly generation?: number;
  readonly tenant?: string;
  /** Who asked for the job. */
  readonly caller?: string;
  /** Defaults to that of the running request or job. */
  readonly correlationId?: string;
}

/** Where a job comes from; kept in its options, beside BullMQ's own, never in the payload. */
export interface JobOrigin {
  readonly tenant: string;
  readonly correlationId: string;
  readonly key?: string;
  readonly caller?: string;
  /** The version of the payload's contract; absent where it is 1. */
  readonly version?: number;
  /** Overrides the declared limit of an attempt. */
  readonly timeoutMs?: number;
  /** Epoch milliseconds after which the job is not started for the first time any more. */
  readonly expiresAt?: number;
  readonly tags?: readonly string[];
  /** Absent until the job is redriven. */
  readonly generation?: number;
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
    origin: originFor(declared, options),
  };
}

// Everything that has its usual value is left out: it would cost memory for each waiting job.
function originFor(declared: JobDefinition, options: AddOptions, now = Date.now()): JobOrigin {
  const { key, tenant = 'default', timeoutMs, tags, generation, delayMs = 0 } = options;
  const waitLimitMs = options.waitLimitMs ?? declared.waitLimitMs;
  return {
    tenant,
    correlationId: options.correlationId ?? correlationId(),
    ...(key !== undefined && { key }),
    ...(options.caller !== undefined && { caller: options.caller }),
    ...((declared.version ?? 1) > 1 && { version: declared.version }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(waitLimitMs !== undefined && { expiresAt: now + delayMs + waitLimitMs }),
    ...(tags !== undefined && tags.length > 0 && { tags }),
    ...(generation !== undefined && generation > 0 && { generation }),
  };
}
