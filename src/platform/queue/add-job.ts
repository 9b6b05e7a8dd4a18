import { Job, type JobsOptions, type Queue } from 'bullmq';
import { correlationId } from '../logging/correlation';
import { limitKeyOf } from '../key-limits/key-limit';
import { sealed } from '../secrets/payload-secrets';
import { passGate } from './add-gate';
import { tellOfAdd } from './add-observer';
import { declaredJob, queueDefaults, type JobDefinition, type QueueDefinition } from './define-queue';
import { nextIdSeed } from './id-seed';
import { jobId, seededJobId } from './job-id';
import { checkPayload, isSurelyValid } from './job-payload';
import { passPayloadCheck } from './payload-checks';
import { priorityNumber, type Priority } from './priority';
import { EnqueueOutcomeUnknownError, storeJobs, type PreparedJob, type StoredOutcome } from './store-jobs';

export interface AddOptions {
  /** The id of a job that was there before and comes back, such as a dead one; a new job gets its id by itself. */
  readonly id?: string;
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
  /** Whether a row stands for the job: one that Redis has lost before its end is added anew, whatever is remembered. */
  readonly isPromised?: boolean;
  /** The place of the job in a flow. */
  readonly flow?: FlowPlace;
  readonly tenant?: string;
  /** Who asked for the job. */
  readonly caller?: string;
  /** Defaults to that of the running request or job. */
  readonly correlationId?: string;
}

/** Where a job stands in a flow. */
export interface FlowPlace {
  /** The id of the flow, which is that of its last job, the root. */
  readonly id: string;
  /** The names from the root's child down to this job, with dots: `analysis.flights`; empty for the root. */
  readonly path: string;
  /** How many jobs it waits for; absent where there are none. */
  readonly children?: number;
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
  /** Epoch milliseconds since which a redriven job with such a limit waits. */
  readonly redrivenAt?: number;
  readonly tags?: readonly string[];
  readonly flow?: FlowPlace;
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

/** The key of a job has been given to another type or payload. */
export class JobKeyConflictError extends Error {
  constructor(readonly holder: string) {
    super(`The key belongs to job ${holder}, which has another type or payload.`);
    this.name = 'JobKeyConflictError';
  }
}

/**
 * Checks the payload, seals its secrets and settles id and options, without a question to Redis. The queue's observer
 * hears of a refusal.
 * Throws PayloadInvalidError, {@link UnknownJobError} or {@link PriorityRefusedError}.
 */
export async function prepareJob(
  definition: QueueDefinition,
  queue: Queue,
  type: string,
  payload: object,
  options: AddOptions = {},
): Promise<PreparedJob> {
  try {
    const declared = declaredJob(definition, type);
    if (declared === undefined) throw new UnknownJobError(definition.name, type);
    // Before anything is awaited, so that the seeds follow the order of the calls.
    const seed = options.id === undefined && options.key === undefined ? nextIdSeed() : undefined;
    // A promise for each of a thousand jobs is a good part of what preparing them costs.
    if (!isSurelyValid(declared.payload, payload)) await checkPayload(type, declared.payload, payload);
    return settledJob(definition, queue, { type, declared, seed }, payload, options);
  } catch (error) {
    tellOfAdd(queue, type, 'refused');
    throw error;
  }
}

interface Naming {
  readonly type: string;
  readonly declared: JobDefinition;
  readonly seed: string | undefined;
}

function settledJob(
  definition: QueueDefinition,
  queue: Queue,
  { type, declared, seed }: Naming,
  payload: object,
  options: AddOptions,
): PreparedJob {
  passPayloadCheck(queue, type, payload);
  const priority = options.priority ?? declared.priority ?? 'normal';
  if (definition.hasPriorities !== true && priority !== 'normal') {
    throw new PriorityRefusedError(definition.name);
  }
  const { tenant = 'default' } = options;
  const stored = sealed(queue, declared.payload, { tenant, type }, payload);
  const json = JSON.stringify(stored);
  const isNamed = options.key !== undefined || seed !== undefined;
  const createdAt = Date.now();
  const settled = storedOptions(definition, declared, { ...options, priority }, createdAt);
  const { keyLimits } = definition;
  const limitKey = keyLimits === undefined ? undefined : limitKeyOf(keyLimits, stored, type, settled.origin);
  return {
    id: options.id ?? newId(definition.name, options, seed),
    type,
    payload: stored,
    json,
    options: settled,
    priority,
    createdAt,
    isNamed,
    isReturn: (options.generation ?? 0) > 0,
    isPromised: options.isPromised === true,
    ...(limitKey !== undefined && { limitKey }),
  };
}

/**
 * Adds jobs of one queue, all that fit into one step of Redis at once, and says of each whether it is new.
 * Throws what the queue's gate throws, EnqueueOutcomeUnknownError, or the error of Redis; by their ids
 * the same jobs can be added again after either.
 */
export async function addPrepared(
  definition: QueueDefinition,
  queue: Queue,
  jobs: readonly PreparedJob[],
): Promise<StoredOutcome[]> {
  try {
    passGate(
      queue,
      jobs.map(({ json, priority }) => ({ definition, priority, bytes: json.length })),
    );
    const outcomes = await storeJobs(definition, queue, jobs);
    outcomes.forEach(({ isNew, isConflict }, at) =>
      tellOfAdd(queue, jobs[at]!.type, isNew ? 'accepted' : isConflict ? 'refused' : 'deduplicated'),
    );
    return outcomes;
  } catch (error) {
    const outcome = error instanceof EnqueueOutcomeUnknownError ? 'unknown' : 'refused';
    jobs.forEach(({ type }) => tellOfAdd(queue, type, outcome));
    throw error;
  }
}

/**
 * Checks the payload, then adds one job under an id of ours, so that a repeated send is still one job.
 * Throws what {@link prepareJob} and {@link addPrepared} throw, and {@link JobKeyConflictError}.
 */
export async function addJob<T extends object>(
  definition: QueueDefinition,
  queue: Queue,
  name: string,
  payload: T,
  options: AddOptions = {},
): Promise<Job<T>> {
  const prepared = await prepareJob(definition, queue, name, payload, options);
  const [outcome] = await addPrepared(definition, queue, [prepared]);
  if (outcome?.isConflict === true) throw new JobKeyConflictError(prepared.id);
  return jobOf(queue, prepared) as Job<T>;
}

/** The job as it was prepared, for whoever wants to look at it or to follow it. */
export function jobOf(queue: Queue, { type, payload, options, id, createdAt }: PreparedJob): Job {
  return new Job(queue, type, payload, { ...options, timestamp: createdAt }, id);
}

function newId(queue: string, { key, tenant }: AddOptions, seed: string | undefined): string {
  return seed === undefined ? jobId(queue, key, tenant) : seededJobId(queue, seed, tenant);
}

function storedOptions(
  definition: QueueDefinition,
  declared: JobDefinition,
  options: AddOptions & { readonly priority: Priority },
  now: number,
): StoredOptions {
  const backoff = options.backoff ?? declared.backoff ?? queueDefaults.backoff;
  return {
    attempts: options.attempts ?? declared.attempts ?? queueDefaults.attempts,
    backoff: { type: backoff.type, delay: backoff.delayMs },
    stackTraceLimit: 10,
    ...(definition.hasPriorities === true && { priority: priorityNumber(options.priority) }),
    ...(options.delayMs !== undefined && { delay: options.delayMs }),
    origin: originFor(declared, options, now),
  };
}

// Everything that has its usual value is left out: it would cost memory for each waiting job.
function originFor(declared: JobDefinition, options: AddOptions, now: number): JobOrigin {
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
    ...(options.flow !== undefined && { flow: options.flow }),
    ...(generation !== undefined && generation > 0 && { generation }),
  };
}
