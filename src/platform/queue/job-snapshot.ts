import { originOf, type JobOrigin } from './add-job';
import { ATTEMPTS_FIELD, attemptRecords, type AttemptRecord } from './attempt-record';
import { priorityName, type Priority } from './priority';

export type JobState =
  'waiting' | 'active' | 'delayed' | 'completed' | 'failed' | 'cancelled' | 'waiting-children' | 'removed';

/** The two ends that BullMQ knows, which are also the names of its sets. */
export type FinishedState = 'completed' | 'failed';

/** A job as Redis holds it at one moment; times are epoch milliseconds. */
export interface JobSnapshot {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly state: JobState;
  readonly origin: JobOrigin;
  readonly priority: Priority;
  readonly createdAt: number;
  readonly runAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly attemptsMade: number;
  readonly attemptsMax: number;
  /** When the next attempt may begin, after one that failed. */
  readonly nextAttemptAt?: number;
  readonly progress: unknown;
  readonly result?: unknown;
  readonly failedReason?: string;
  /** The class of the last error, as its stack begins. */
  readonly failedName?: string;
  /** The payload as stored, still JSON. */
  readonly data: string;
  /** Starts so far; more than attempts made where a worker died or gave the job back. */
  readonly starts: number;
  /** The worker of the newest attempt, as it names itself. */
  readonly worker?: string;
  readonly attempts: readonly AttemptRecord[];
  /** The newest error's stack, as stored. */
  readonly stack?: string;
  /** BullMQ's options as stored, our origin among them. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The key whose limits the waiting job waits for; only where a single job is read. */
  readonly heldFor?: string;
  /** The key in whose line it stands; absent once it was let in. */
  readonly inLineOf?: string;
}

/** The fields of a job's hash that {@link snapshotOf} reads, in its order. */
export const snapshotFields = [
  'name',
  'data',
  'opts',
  'timestamp',
  'priority',
  'processedOn',
  'finishedOn',
  'atm',
  'progress',
  'returnvalue',
  'failedReason',
  'stacktrace',
  'ats',
  'pb',
  ATTEMPTS_FIELD,
] as const;

/** What the fields of a job's hash say, and the place where BullMQ keeps it; `dueAt` is the time a delayed job waits for, in epoch milliseconds. */
export function snapshotOf(
  id: string,
  queue: string,
  place: JobState,
  fields: readonly (string | null)[],
  dueAt: string | null = null,
): JobSnapshot {
  const [
    type,
    data,
    opts,
    timestamp,
    priority,
    processedOn,
    finishedOn,
    atm,
    progress,
    result,
    reason,
    stacks,
    starts,
    worker,
    attempts,
  ] = fields;
  const options = (parse(opts) ?? {}) as Record<string, unknown> & { attempts?: number; delay?: number };
  const createdAt = Number(timestamp);
  const records = attemptRecords(attempts);
  // BullMQ knows two ends of a job; the third is told apart by its last attempt.
  const state = place === 'failed' && records.at(-1)?.outcome === 'cancelled' ? 'cancelled' : place;
  const attemptsMade = Number(atm ?? 0);
  return {
    id,
    queue,
    type: type ?? '',
    state,
    origin: originOf({ id, opts: options }),
    priority: priorityName(Number(priority ?? 0)),
    createdAt,
    ...dueTimes(createdAt, attemptsMade, options.delay ?? 0, dueAt),
    ...(processedOn && { startedAt: Number(processedOn) }),
    ...(finishedOn && { finishedAt: Number(finishedOn) }),
    attemptsMade,
    attemptsMax: options.attempts ?? 1,
    progress: parse(progress) ?? 0,
    ...(state === 'completed' && { result: parse(result) ?? null }),
    ...(place === 'failed' && { failedReason: reason ?? '', failedName: errorName(stacks) }),
    data: data ?? '{}',
    starts: Number(starts ?? 0),
    ...(worker && { worker }),
    attempts: records,
    ...withStack(stacks),
    options,
  };
}

// The hash's own delay is no help: BullMQ overwrites it with the wait before the next attempt.
function dueTimes(
  createdAt: number,
  attemptsMade: number,
  delayMs: number,
  dueAt: string | null,
): Pick<JobSnapshot, 'runAt' | 'nextAttemptAt'> {
  const wantedAt = delayMs > 0 ? { runAt: createdAt + delayMs } : {};
  if (dueAt === null) return wantedAt;
  return attemptsMade > 0 ? { ...wantedAt, nextAttemptAt: Number(dueAt) } : { runAt: Number(dueAt) };
}

function withStack(stacks: string | null | undefined): { stack?: string } {
  const all = parse(stacks);
  const last: unknown = Array.isArray(all) ? all.at(-1) : undefined;
  return typeof last === 'string' ? { stack: last } : {};
}

function errorName(stacks: string | null | undefined): string {
  const { stack } = withStack(stacks);
  return (stack !== undefined && /^([A-Za-z_$][\w$.]{0,99})(?=[:\n]|$)/.exec(stack)?.[1]) || 'Error';
}

function parse(json: string | null | undefined): unknown {
  if (json === null || json === undefined) return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
