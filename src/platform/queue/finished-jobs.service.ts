import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import { snapshotFields, snapshotOf, type JobSnapshot } from './job-snapshot';
import type { RegisteredQueue } from './queue-registry.service';

export type FinishedState = 'completed' | 'failed';

/** Where a reader of a finished set has got to; the id settles jobs that finished in the same millisecond. */
export interface FinishedCursor {
  /** Epoch milliseconds. */
  readonly finishedAt: number;
  readonly id: string;
}

export const FIRST_FINISHED: FinishedCursor = { finishedAt: 0, id: '' };

// A set is sorted by score, then by member, which is the order of the cursor.
// A hash that is gone, or that another key's type stands in for, is told by its id alone.
const READ_FINISHED = `
local from = tonumber(ARGV[1])
local limit = tonumber(ARGV[3])
local found = {}
local offset = 0
while #found < limit do
  local page = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', offset, limit)
  for at = 1, #page, 2 do
    if #found < limit and (tonumber(page[at + 1]) > from or page[at] > ARGV[2]) then
      local key = ARGV[4] .. page[at]
      local fields = {}
      if redis.call('TYPE', key).ok == 'hash' then fields = redis.call('HMGET', key, unpack(ARGV, 5)) end
      found[#found + 1] = { page[at], page[at + 1], fields }
    end
  end
  if #page < limit * 2 then break end
  offset = offset + limit
end
return found
`;

const READ_THESE = `
local count = tonumber(ARGV[2])
local found = {}
for at = 3, count + 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[at])
  if score then
    local key = ARGV[1] .. ARGV[at]
    local fields = {}
    if redis.call('TYPE', key).ok == 'hash' then fields = redis.call('HMGET', key, unpack(ARGV, count + 3)) end
    found[#found + 1] = { ARGV[at], score, fields }
  end
end
return found
`;

/** A finished job; `snapshot` is missing where the set holds an id without a job behind it. */
export interface FinishedJob extends FinishedCursor {
  readonly snapshot?: JobSnapshot;
}

type Reply = readonly [id: string, finishedAt: string, fields: (string | null)[]][];

/**
 * Reads the sets of finished jobs in the order of finishing: the truth about what became of a job,
 * for everything that has to know of each one. Two processes' clocks differ, so that a job may turn up behind a cursor:
 * whoever must miss none goes back a little, and answers for each id before retention removes it.
 */
@Injectable()
export class FinishedJobs {
  constructor(private readonly connections: RedisConnections) {}

  /** At most `limit` jobs after the cursor, oldest first; one round trip. Rejects with the error of Redis. */
  async after(
    { queue, definition }: RegisteredQueue,
    state: FinishedState,
    cursor: FinishedCursor,
    limit: number,
  ): Promise<FinishedJob[]> {
    this.connections.assertReady();
    const base = `${queue.opts.prefix}:${definition.name}:`;
    const reply = (await this.connections.producer.eval(
      READ_FINISHED,
      1,
      `${base}${state}`,
      cursor.finishedAt,
      cursor.id,
      limit,
      base,
      ...snapshotFields,
    )) as Reply;
    return toJobs(reply, definition.name, state);
  }

  /** Those of the ids that the set holds, at most 500; one round trip. Rejects with the error of Redis. */
  async among(
    { queue, definition }: RegisteredQueue,
    state: FinishedState,
    ids: readonly string[],
  ): Promise<FinishedJob[]> {
    if (ids.length === 0) return [];
    this.connections.assertReady();
    const base = `${queue.opts.prefix}:${definition.name}:`;
    const reply = (await this.connections.producer.eval(
      READ_THESE,
      1,
      `${base}${state}`,
      base,
      ids.length,
      ...ids,
      ...snapshotFields,
    )) as Reply;
    return toJobs(reply, definition.name, state);
  }
}

function toJobs(reply: Reply, queue: string, state: FinishedState): FinishedJob[] {
  return reply.map(([id, finishedAt, fields]) => ({
    id,
    finishedAt: Number(finishedAt),
    ...(typeof fields[0] === 'string' && { snapshot: snapshotOf(id, queue, state, fields) }),
  }));
}
