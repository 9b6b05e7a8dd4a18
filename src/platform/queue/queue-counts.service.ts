import { Injectable } from '@nestjs/common';
import { HELD_FROM, heldSince } from '../key-limits/held-jobs-script';
import { RedisConnections } from '../redis/redis-connections.service';
import { priorities, priorityNumber } from './priority';
import type { RegisteredQueue } from './queue-registry.service';

/** How many jobs of one queue are in which state, at one moment. */
export interface QueueCounts {
  /** Every job that has no delay, in order of arrival or by priority; those that wait for their key, too. */
  readonly waiting: number;
  /** The part of `waiting` that runs in order of arrival. */
  readonly unprioritized: number;
  /** The part of `waiting` that runs by priority. */
  readonly prioritized: number;
  /** The part of `waiting` that waits until its key has room or a turn. */
  readonly held: number;
  readonly active: number;
  readonly delayed: number;
  /** Jobs of flows that wait for others to end. */
  readonly waitingChildren: number;
  /** The part of `delayed` whose time has come: without a worker nobody moves it on. */
  readonly due: number;
  readonly completed: number;
  readonly failed: number;
  readonly isPaused: boolean;
  /** How long the oldest waiting job could have been running; undefined when none waits. */
  readonly oldestWaitingMs?: number;
}

// BullMQ's own counts leave out what is due, and cost a script each.
// Every command here costs the same for ten jobs and for ten million; wait lists are never walked.
// The oldest job stands at the end of the list, or first among those of its priority; where keys take turns it is one of
// the first, unless more keys than that have come since.
const COUNT = `
local counts = {
  redis.call('LLEN', KEYS[1]), redis.call('LLEN', KEYS[2]), redis.call('ZCARD', KEYS[3]),
  redis.call('LLEN', KEYS[4]), redis.call('ZCARD', KEYS[5]), redis.call('ZCOUNT', KEYS[5], '-inf', ARGV[2]),
  redis.call('ZCARD', KEYS[6]), redis.call('ZCARD', KEYS[7]), redis.call('HEXISTS', KEYS[8], 'paused'),
  redis.call('ZCARD', KEYS[9]), redis.call('ZCOUNT', KEYS[5], ARGV[3], '+inf')
}
local longest = false
if counts[11] > 0 then longest = redis.call('ZRANGEBYSCORE', KEYS[5], ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] end
local heads = {}
for list = 1, 2 do
  local id = redis.call('LINDEX', KEYS[list], -1)
  if id then heads[#heads + 1] = redis.call('HMGET', ARGV[1] .. id, 'timestamp', 'processedOn', 'opts') end
end
for at = 5, #ARGV, 2 do
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], ARGV[at], ARGV[at + 1], 'LIMIT', 0, ARGV[4])) do
    heads[#heads + 1] = redis.call('HMGET', ARGV[1] .. id, 'timestamp', 'processedOn', 'opts')
  end
end
return { counts, heads, longest }
`;

const keyNames = [
  'wait',
  'paused',
  'prioritized',
  'active',
  'delayed',
  'completed',
  'failed',
  'meta',
  'waiting-children',
];

// BullMQ scores a prioritised job by its number in the upper bits and a counter in the lower 32,
// and a delayed one by its time in the upper bits and a counter in the lower 12.
const PRIORITY_STEP = 2 ** 32;
const DELAY_STEP = 2 ** 12;
const HEADS_OF_KEYS = 20;

type Head = readonly [timestamp: string | null, processedOn: string | null, opts: string | null];
type Reply = readonly [counts: readonly number[], heads: readonly Head[], longestHeld: string | null];

/** Counts the jobs of a queue at a cost that does not grow with the queue. */
@Injectable()
export class QueueCounter {
  constructor(private readonly connections: RedisConnections) {}

  /** One round trip. Rejects with RedisUnavailableError or the error of Redis. */
  async count({ queue, definition }: RegisteredQueue): Promise<QueueCounts> {
    this.connections.assertReady();
    const base = `${queue.opts.prefix}:${definition.name}:`;
    const isKeyed = definition.keyLimits !== undefined;
    const hasPriorities = definition.hasPriorities === true;
    const now = Date.now();
    const reply = (await this.connections.producer.eval(
      COUNT,
      keyNames.length,
      ...keyNames.map((name) => base + name),
      base,
      (now + 1) * DELAY_STEP - 1,
      HELD_FROM,
      isKeyed ? HEADS_OF_KEYS : 1,
      ...(isKeyed ? [0, `(${PRIORITY_STEP}`] : []),
      ...priorityRanges(),
    )) as Reply;
    // Keys that take turns stand in the set of priorities, whether their queue has some or not.
    return summarise(reply, now, hasPriorities ? 'some' : isKeyed ? 'none' : 'of strangers');
  }
}

/** The lowest and highest score of each named priority; the lowest band also takes what strangers added. */
function priorityRanges(): (number | string)[] {
  const numbers = priorities.map(priorityNumber);
  return numbers.flatMap((number, at) => {
    const next = numbers[at + 1];
    return [number * PRIORITY_STEP, next === undefined ? '+inf' : `(${next * PRIORITY_STEP}`];
  });
}

function summarise(
  [counts, heads, longest]: Reply,
  now: number,
  ranks: 'some' | 'none' | 'of strangers',
): QueueCounts {
  const [wait = 0, paused = 0, prioritized = 0, active = 0, delayed = 0, due = 0] = counts;
  const [completed = 0, failed = 0, isPaused = 0, waitingChildren = 0, held = 0] = counts.slice(6);
  const ages = heads.map((head) => waitingMs(head, now)).filter((age) => age !== undefined);
  if (longest !== null) ages.push(Math.max(0, now - heldSince(Number(longest))));
  const waiting = wait + paused + prioritized + held;
  const byPriority = ranks === 'none' ? 0 : prioritized + (ranks === 'some' ? held : 0);
  return {
    waiting,
    unprioritized: waiting - byPriority,
    prioritized: byPriority,
    held,
    active,
    delayed: delayed - held,
    waitingChildren,
    due,
    completed,
    failed,
    isPaused: isPaused === 1,
    ...(ages.length > 0 && { oldestWaitingMs: Math.max(...ages) }),
  };
}

/** A delay, and an attempt that was made, are no waiting. */
function waitingMs([timestamp, processedOn, opts]: Head, now: number): number | undefined {
  if (timestamp === null) return undefined;
  const since = Math.max(Number(timestamp) + delayOf(opts), Number(processedOn ?? 0));
  return Number.isFinite(since) ? Math.max(0, now - since) : undefined;
}

function delayOf(opts: string | null): number {
  try {
    const { delay } = JSON.parse(opts ?? '{}') as { delay?: unknown };
    return typeof delay === 'number' ? delay : 0;
  } catch {
    return 0;
  }
}
