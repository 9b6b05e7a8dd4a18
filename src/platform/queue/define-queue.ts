import type { Settings } from '../../config/settings';
import { checkKeyLimit, type KeyLimits } from '../key-limits/key-limit';
import { secretFieldsOf } from '../secrets/secret.decorator';
import type { BatchLimits } from './job-batcher';
import type { Priority } from './priority';

/** A class whose instances describe a job's payload; its decorators validate it. */
export type PayloadClass<T extends object = object> = new () => T;

export interface BackoffPolicy {
  readonly type: 'fixed' | 'exponential';
  /** Wait before the second attempt; exponential doubles it before each further one. */
  readonly delayMs: number;
}

export interface JobDefinition<T extends object = object> {
  readonly payload: PayloadClass<T>;
  /** One sentence for the dashboard and the API's documentation. */
  readonly description?: string;
  /** Total runs, the first included. */
  readonly attempts?: number;
  readonly backoff?: BackoffPolicy;
  readonly priority?: Priority;
  /** The longest one attempt may run; then its signal fires and the attempt fails. */
  readonly timeoutMs?: number;
  /** Whether an attempt that ran out of time is followed by another; true unless declared. */
  readonly retriesTimeouts?: boolean;
  /** The longest a job may wait for its first start; older ones die as expired. */
  readonly waitLimitMs?: number;
  /** The version of the payload's contract, from 1. */
  readonly version?: number;
  /** What turns a payload of version n into one of version n + 1, by n. */
  readonly upcast?: Readonly<Record<number, (payload: Record<string, unknown>) => Record<string, unknown>>>;
  /**
   * The request that alone starts jobs of this type: their handler works only for the id that a row names, so that one
   * under another id would end without having done anything. Nobody else adds one.
   */
  readonly startedBy?: string;
  /** Top-level payload fields that the history can be searched by. */
  readonly searchable?: readonly string[];
}

export interface RetentionPolicy {
  readonly ageMs: number;
  readonly count: number;
}

export interface QueueDefinition<
  Name extends string = string,
  Jobs extends Record<string, JobDefinition> = Record<string, JobDefinition>,
> {
  readonly name: Name;
  /** The folder under `workloads/`; queues of one domain share a hash slot on a Redis Cluster. */
  readonly domain: string;
  readonly description: string;
  readonly jobs: Jobs;
  /** Whether jobs may differ in priority; those of a queue that does not opt in all run in order of arrival. */
  readonly hasPriorities?: boolean;
  readonly worker: {
    /**
     * Jobs at a time in one process; a function where a setting of its own decides. Unless declared, as many as a batch
     * has, or QUEUE_CONCURRENCY.
     */
    readonly concurrency?: number | ((settings: Settings) => number | undefined);
    /** Jobs are done in batches, by handlers that the consumer wraps with `inBatches`. */
    readonly batch?: BatchLimits | ((settings: Settings) => BatchLimits);
    readonly limiter?: { readonly max: number; readonly durationMs: number };
    /** After a crash a job waits this long, and up to one stalled check more, for its next start. */
    readonly lockDurationMs?: number;
    /** How often jobs without a lock are looked for; a short lock is worth a short interval. */
    readonly stalledIntervalMs?: number;
  };
  /** Limits per key, such as a payload's source, and turns between the keys; without it jobs run as they arrive. */
  readonly keyLimits?: KeyLimits;
  /** How long finished jobs stay in Redis. */
  readonly retention?: { readonly completed?: RetentionPolicy; readonly failed?: RetentionPolicy };
  /**
   * What the history keeps. `failures` is for a workload that notes itself what becomes of each job: only jobs that have
   * failed at some time get a row, and none while they wait or run; what Redis holds is found as ever. Where the queue
   * remembers no keys either (`deduplicationMs: 0`), completed jobs beyond those that stay go at once, and the event stream
   * tells only how jobs end.
   */
  readonly history?: 'all' | 'failures';
  /** How long after its end a job's key still stands for it, also when its record is gone; a day unless declared. */
  readonly deduplicationMs?: number;
  /** The most that payloads, results and kept jobs of this queue may take of Redis' memory. */
  readonly budgetBytes?: number;
}

export type JobName<Q extends QueueDefinition> = keyof Q['jobs'] & string;

export type JobPayload<Q extends QueueDefinition, N extends JobName<Q>> =
  Q['jobs'][N] extends JobDefinition<infer T> ? T : never;

const DAY_MS = 86_400_000;

export const queueDefaults = {
  concurrency: 5,
  attempts: 3,
  backoff: { type: 'exponential', delayMs: 1_000 },
  // Short enough that another worker takes over within 30 s of a kill -9.
  lockDurationMs: 15_000,
  stalledIntervalMs: 5_000,
  maxStalledCount: 3,
  retention: {
    completed: { ageMs: DAY_MS, count: 1_000 },
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
  deduplicationMs: DAY_MS,
} as const;

// `holdfast` is the name under which the platform's own keys live beside the queues.
const reservedNames = new Set(['holdfast']);

/** Checks a queue's declaration, freezes it and keeps its literal types. */
export function defineQueue<const Name extends string, const Jobs extends Record<string, JobDefinition>>(
  definition: QueueDefinition<Name, Jobs>,
): QueueDefinition<Name, Jobs> {
  const { name } = definition;
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(name) || reservedNames.has(name)) {
    throw new Error(
      `"${name}" cannot name a queue: use 1 to 63 letters, digits, dashes or underscores, beginning with a letter.`,
    );
  }
  Object.entries<JobDefinition>(definition.jobs).forEach(([type, job]) => {
    checkVersions(type, job);
    checkSearchable(type, job);
  });
  const { rate, concurrency } = definition.keyLimits ?? {};
  checkKeyLimit(name, {
    ...(typeof rate === 'object' && { rate }),
    ...(typeof concurrency === 'number' && { concurrency }),
  });
  return Object.freeze(definition);
}

function checkVersions(type: string, { version = 1, upcast = {} }: JobDefinition): void {
  if (!Number.isInteger(version) || version < 1) {
    throw new Error(`The version of job "${type}" must be a whole number from 1 on.`);
  }
  const declared = Object.keys(upcast).map(Number);
  for (let from = 1; from < version; from += 1) {
    if (!declared.includes(from)) {
      throw new Error(
        `Job "${type}" is at version ${version} without upcast[${from}]: jobs of version ${from} may still wait.`,
      );
    }
  }
  const useless = declared.find((from) => !Number.isInteger(from) || from < 1 || from >= version);
  if (useless !== undefined) {
    throw new Error(`Job "${type}" declares upcast[${useless}], but its version is ${version}: raise it.`);
  }
}

function checkSearchable(type: string, { payload, searchable = [] }: JobDefinition): void {
  const secret = secretFieldsOf(payload).find((field) => searchable.includes(field));
  if (secret !== undefined) {
    throw new Error(
      `Job "${type}" declares "${secret}" as a secret and as searchable: it can be one of them.`,
    );
  }
}

/** What a queue declares under a job name; nothing for a name such as `toString`, which every object has. */
export function declaredJob({ jobs }: QueueDefinition, name: string): JobDefinition | undefined {
  return Object.hasOwn(jobs, name) ? jobs[name] : undefined;
}

/** How many jobs of the queue one process runs at a time. */
export function concurrencyOf(definition: QueueDefinition, settings: Settings): number {
  const { name, worker } = definition;
  const { of, all } = settings.queueNumbers.concurrency;
  const { concurrency } = worker;
  const declared = typeof concurrency === 'function' ? concurrency(settings) : concurrency;
  const usual = batchLimitsOf(definition, settings)?.size ?? all ?? queueDefaults.concurrency;
  return Math.max(1, of.get(name) ?? declared ?? usual);
}

/** Undefined for a queue whose jobs are done one by one. */
export function batchLimitsOf(
  { worker: { batch } }: QueueDefinition,
  settings: Settings,
): BatchLimits | undefined {
  return typeof batch === 'function' ? batch(settings) : batch;
}

/** Throws when a worker of the queue could never have all jobs of a full batch at once. */
export function assertBatchesFill(definition: QueueDefinition, settings: Settings): void {
  const batch = batchLimitsOf(definition, settings);
  if (batch === undefined) return;
  const concurrency = concurrencyOf(definition, settings);
  if (concurrency >= batch.size) return;
  throw new Error(
    `Queue "${definition.name}" runs ${concurrency} jobs at a time, which never fill a batch of ${batch.size}: ` +
      'raise its concurrency, leave it unset, or lower the size of its batches.',
  );
}

/** How many jobs of the queue all workers together begin in a while; undefined for no limit. */
export function limiterOf(
  { name, worker }: QueueDefinition,
  settings: Settings,
): QueueDefinition['worker']['limiter'] {
  const { of, all } = settings.queueNumbers.rateLimit;
  const declared = worker.limiter;
  const max = of.get(name) ?? (declared === undefined ? undefined : (all ?? declared.max));
  return max === undefined || max === 0 ? undefined : { max, durationMs: declared?.durationMs ?? 1_000 };
}

/** How long the queue's finished jobs stay in Redis, and how many of them. */
export function retentionOf(
  { name, retention }: QueueDefinition,
  settings: Settings,
): { readonly completed: RetentionPolicy; readonly failed: RetentionPolicy } {
  const { queueNumbers } = settings;
  const policy = (state: 'completed' | 'failed'): RetentionPolicy => {
    const declared = retention?.[state] ?? queueDefaults.retention[state];
    const { of, all } = queueNumbers[state];
    return { ageMs: declared.ageMs, count: of.get(name) ?? all ?? declared.count };
  };
  return { completed: policy('completed'), failed: policy('failed') };
}

/**
 * How many completed jobs of a queue stay when the others may leave Redis as they end, because neither the history nor
 * the memory of their keys has to have them; undefined where each is asked for first.
 */
export function keptAtEnd(definition: QueueDefinition, settings: Settings): number | undefined {
  if (isFollowed(definition)) return undefined;
  return retentionOf(definition, settings).completed.count;
}

/**
 * Whether single jobs of the queue are somebody's business while nothing goes wrong: the history's, or the memory of their
 * keys. Of others the event stream tells only how they end.
 */
export function isFollowed(definition: QueueDefinition): boolean {
  return definition.history !== 'failures' || deduplicationMs(definition) > 0;
}

/** How long a job's key is remembered after its end, in milliseconds. */
export function deduplicationMs(definition: QueueDefinition): number {
  return definition.deduplicationMs ?? queueDefaults.deduplicationMs;
}
