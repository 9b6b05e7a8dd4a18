import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import { originOf, type JobOrigin } from './add-job';
import { priorityName, type Priority } from './priority';
import { QueueRegistry, type RegisteredQueue } from './queue-registry.service';

export type JobState = 'waiting' | 'active' | 'delayed' | 'completed' | 'failed' | 'waiting-children';

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
}

// State and hash are read in one step, so that no answer says "completed" without its result.
// BullMQ's own getState walks the wait list: 7 ms of Redis at 500,000 waiting jobs, for everybody.
// The active list is only as long as the workers' concurrency.
const READ_JOB = `
local fields = redis.call('HMGET', KEYS[1], 'name', 'data', 'opts', 'timestamp', 'priority',
  'processedOn', 'finishedOn', 'atm', 'progress', 'returnvalue', 'failedReason', 'stacktrace')
if not fields[1] then return nil end
local state = 'waiting'
local runAt = false
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then state = 'completed'
elseif redis.call('ZSCORE', KEYS[3], ARGV[1]) then state = 'failed'
elseif redis.call('ZSCORE', KEYS[4], ARGV[1]) then
  state = 'delayed'
  runAt = tostring(math.floor(redis.call('ZSCORE', KEYS[4], ARGV[1]) / 4096))
elseif redis.call('ZSCORE', KEYS[5], ARGV[1]) then state = 'waiting-children'
elseif redis.call('EXISTS', KEYS[1] .. ':lock') == 1 or redis.call('LPOS', KEYS[6], ARGV[1]) then state = 'active'
end
return { state, runAt, fields }
`;

type Reply = [JobState, string | null, (string | null)[]] | null;

/** Reads one job at a cost that does not grow with the queue. */
@Injectable()
export class JobReader {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
  ) {}

  /** Resolves undefined for an id of no queue here, and for a job that Redis no longer has. */
  async read(id: string): Promise<JobSnapshot | undefined> {
    const entry = this.registry.ofJob(id);
    if (entry === undefined) return undefined;
    this.connections.assertReady();
    const base = `${entry.queue.opts.prefix}:${entry.definition.name}`;
    const keys = [id, 'completed', 'failed', 'delayed', 'waiting-children', 'active'].map(
      (part) => `${base}:${part}`,
    );
    const reply = (await this.connections.producer.eval(READ_JOB, keys.length, ...keys, id)) as Reply;
    return reply === null ? undefined : snapshot(id, entry, reply);
  }
}

function snapshot(
  id: string,
  { definition }: RegisteredQueue,
  [state, dueAt, fields]: NonNullable<Reply>,
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
  ] = fields;
  const options = (parse(opts) ?? {}) as { attempts?: number; delay?: number };
  const createdAt = Number(timestamp);
  const attemptsMade = Number(atm ?? 0);
  return {
    id,
    queue: definition.name,
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
    ...(state === 'failed' && { failedReason: reason ?? '', failedName: errorName(stacks) }),
    data: data ?? '{}',
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

function errorName(stacks: string | null | undefined): string {
  const all = parse(stacks);
  const last: unknown = Array.isArray(all) ? all.at(-1) : undefined;
  return (typeof last === 'string' && /^([A-Za-z_$][\w$.]{0,99})(?=[:\n]|$)/.exec(last)?.[1]) || 'Error';
}

function parse(json: string | null | undefined): unknown {
  if (json === null || json === undefined) return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
