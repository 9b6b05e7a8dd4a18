import { Injectable } from '@nestjs/common';
import { snapshotFields, snapshotOf, type JobSnapshot, type JobState } from '../queue/job-snapshot';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';

/** A place in a sorted set: its score as Redis writes it, and the member that settles equal scores. */
export interface SetPosition {
  readonly score: string;
  readonly id: string;
}

export const FIRST_POSITION: SetPosition = { score: '-inf', id: '' };

/** A job as Redis had it at `readAt`, in epoch milliseconds by the clock of Redis. */
export interface ReadJob {
  readonly job: JobSnapshot;
  readonly readAt: number;
}

/** What tells one life of a job from another, in epoch milliseconds. */
export interface JobKey {
  readonly id: string;
  readonly createdAt: number;
  readonly finishedAt: number;
}

// Sorted by score, then by member, which is the order of a position.
const PAGE = `
local limit = tonumber(ARGV[3])
local until_ = ARGV[4]
local found = {}
local offset = 0
while #found < limit * 2 do
  local page = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], until_, 'WITHSCORES', 'LIMIT', offset, limit)
  for at = 1, #page, 2 do
    if #found < limit * 2 and (page[at + 1] ~= ARGV[1] or page[at] > ARGV[2]) then
      found[#found + 1] = page[at]
      found[#found + 1] = page[at + 1]
    end
  end
  if #page < limit * 2 then break end
  offset = offset + limit
end
return found
`;

// The state is read with the hash, from the sets' scores and the lock, as JobReader does; only the active list, which is short, is walked.
const READ = `
local base = ARGV[1]
local time = redis.call('TIME')
local found = { tostring(time[1] * 1000 + math.floor(time[2] / 1000)) }
for at = 2, #ARGV do
  local id = ARGV[at]
  local key = base .. id
  local entry = false
  if redis.call('TYPE', key).ok == 'hash' then
    local fields = redis.call('HMGET', key, ${snapshotFields.map((field) => `'${field}'`).join(', ')})
    if fields[1] then
      local state = 'waiting'
      local dueAt = false
      if redis.call('ZSCORE', base .. 'completed', id) then state = 'completed'
      elseif redis.call('ZSCORE', base .. 'failed', id) then state = 'failed'
      elseif redis.call('EXISTS', key .. ':lock') == 1 then state = 'active'
      else
        local due = redis.call('ZSCORE', base .. 'delayed', id)
        if due then
          state = 'delayed'
          dueAt = tostring(math.floor(due / 4096))
        elseif redis.call('ZSCORE', base .. 'waiting-children', id) then state = 'waiting-children'
        elseif redis.call('LPOS', base .. 'active', id) then state = 'active'
        end
      end
      entry = { id, state, dueAt, fields }
    end
  end
  found[#found + 1] = entry
end
return found
`;

const KEYS_OF = `
local found = {}
for at = 2, #ARGV do
  local key = ARGV[1] .. ARGV[at]
  if redis.call('TYPE', key).ok == 'hash' then
    local fields = redis.call('HMGET', key, 'timestamp', 'finishedOn')
    if fields[1] then found[#found + 1] = { ARGV[at], fields[1], fields[2] or '0' } end
  end
end
return found
`;

type ReadReply = [string, ...([string, JobState, string | null, (string | null)[]] | null)[]];

/** Reads jobs in bounded batches for the ledger. Everything here rejects with the error of Redis. */
@Injectable()
export class LedgerSource {
  constructor(private readonly connections: RedisConnections) {}

  /** At most `limit` members after the position, the lowest first. */
  async page(
    { queue, definition }: RegisteredQueue,
    set: string,
    after: SetPosition,
    limit: number,
    until = '+inf',
  ): Promise<SetPosition[]> {
    const reply = (await this.eval(
      PAGE,
      `${queue.opts.prefix}:${definition.name}:${set}`,
      after.score,
      after.id,
      limit,
      until,
    )) as string[];
    return Array.from({ length: reply.length / 2 }, (_, index) => ({
      id: reply[2 * index] ?? '',
      score: reply[2 * index + 1] ?? '',
    }));
  }

  /** The members of a list from `offset`, at most `limit`; the newest waiting jobs come first. */
  list(
    { queue, definition }: RegisteredQueue,
    name: string,
    offset: number,
    limit: number,
  ): Promise<string[]> {
    this.connections.assertReady();
    const key = `${queue.opts.prefix}:${definition.name}:${name}`;
    return this.connections.producer.lrange(key, offset, offset + limit - 1);
  }

  /** Those of the ids that have a job behind them, at most 1,000. */
  async read({ queue, definition }: RegisteredQueue, ids: readonly string[]): Promise<ReadJob[]> {
    if (ids.length === 0) return [];
    const base = `${queue.opts.prefix}:${definition.name}:`;
    const [readAt, ...found] = (await this.eval(READ, `${base}meta`, base, ...ids)) as ReadReply;
    return found.flatMap((entry) => {
      if (entry === null) return [];
      const [id, state, dueAt, fields] = entry;
      return [{ job: snapshotOf(id, definition.name, state, fields, dueAt), readAt: Number(readAt) }];
    });
  }

  /** The keys of those ids that have a job behind them, at most 1,000. */
  async keysOf({ queue, definition }: RegisteredQueue, ids: readonly string[]): Promise<JobKey[]> {
    if (ids.length === 0) return [];
    const base = `${queue.opts.prefix}:${definition.name}:`;
    const found = (await this.eval(KEYS_OF, `${base}meta`, base, ...ids)) as [string, string, string][];
    return found.map(([id, createdAt, finishedAt]) => ({
      id,
      createdAt: Number(createdAt),
      finishedAt: Number(finishedAt),
    }));
  }

  private eval(script: string, key: string, ...rest: (string | number)[]): Promise<unknown> {
    this.connections.assertReady();
    return this.connections.producer.eval(script, 1, key, ...rest);
  }
}
