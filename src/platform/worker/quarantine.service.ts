import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ATTEMPTS_FIELD, type AttemptRecord } from '../queue/attempt-record';
import { CorruptPayload } from '../queue/corrupt-payload';
import type { DeathCause } from '../queue/death-cause';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { Leader } from '../leader/leader.service';
import { RedisConnections } from '../redis/redis-connections.service';

const INTERVAL_MS = 5_000;
// An active list is as long as the concurrency of all workers.
const MAX_LOOKED_AT = 1_000;
const MAX_EVENTS = 1_000;

// cjson is stricter than JSON.parse about depth, so that what it objects to is only a suspect.
// The payload of a job whose lock is held is its worker's affair, and may be large.
const FIND_SUSPECTS = `
local suspects = {}
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, ARGV[2] - 1)) do
  local key = ARGV[1] .. id
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then suspects[#suspects + 1] = { id }
  elseif kind == 'hash' then
    local isHeld = redis.call('EXISTS', key .. ':lock') == 1
    local stored = redis.call('HMGET', key, 'name', 'opts', 'progress', 'data')
    if not stored[1] then
      if not isHeld then suspects[#suspects + 1] = { id } end
    else
      for at = 2, isHeld and 3 or 4 do
        if stored[at] and not pcall(cjson.decode, stored[at]) then
          suspects[#suspects + 1] = { id, stored[2], stored[3], stored[4] }
          break
        end
      end
    end
  end
end
return suspects
`;

// All in one step, as BullMQ's own scripts do it. A job that has left the active list is somebody else's again.
const QUARANTINE = `
local job, active, failed, stalled, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, now, reason, record, cause = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if cause == 'missing_data' and redis.call('HEXISTS', job, 'name') == 1 then return 0 end
if redis.call('LREM', active, 1, id) == 0 then return 0 end
redis.call('DEL', job .. ':lock')
redis.call('SREM', stalled, id)
for at = 6, #ARGV, 2 do
  local old = redis.call('HGET', job, ARGV[at])
  if old then redis.call('HSETNX', job, 'hfRaw:' .. ARGV[at], old) end
  redis.call('HSET', job, ARGV[at], ARGV[at + 1])
end
for field, value in pairs({ name = 'unknown', data = '{}', opts = '{}', timestamp = now }) do
  redis.call('HSETNX', job, field, value)
end
local isJson, records = pcall(cjson.decode, redis.call('HGET', job, '${ATTEMPTS_FIELD}') or '[]')
if not isJson or type(records) ~= 'table' then records = {} end
local last = cjson.decode(record)
last.start = math.max(1, tonumber(redis.call('HGET', job, 'ats')) or 1)
records[#records + 1] = last
redis.call('HSET', job, 'failedReason', reason, 'finishedOn', now, 'stacktrace', '[]', '${ATTEMPTS_FIELD}', cjson.encode(records))
redis.call('HINCRBY', job, 'atm', 1)
redis.call('HDEL', job, 'defa')
redis.call('ZADD', failed, now, id)
redis.call('XADD', events, 'MAXLEN', '~', ${MAX_EVENTS}, '*', 'event', 'failed', 'jobId', id, 'failedReason', reason, 'prev', 'active')
return redis.call('HGET', job, 'name')
`;

/** A job that was put aside: no worker has seen it die. */
export interface QuarantinedJob {
  readonly queue: string;
  readonly id: string;
  /** What its record still says; `unknown` where there is none. */
  readonly type: string;
  readonly cause: DeathCause;
  readonly reason: string;
}

type Suspect = readonly [id: string, opts?: string | null, progress?: string | null, data?: string | null];

/** Lets jobs fail that BullMQ would leave active for ever: their record is gone, or cannot be decoded. */
@Injectable()
export class Quarantine implements OnApplicationBootstrap {
  private readonly logger = new Logger('Worker');
  private readonly listeners: ((job: QuarantinedJob) => void)[] = [];

  constructor(
    private readonly registry: QueueRegistry,
    private readonly connections: RedisConnections,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('quarantine', INTERVAL_MS, async () => void (await this.sweep()));
  }

  /** Calls back with each job that this process puts aside: of all processes one, once for each job. */
  onPutAside(listener: (job: QuarantinedJob) => void): void {
    this.listeners.push(listener);
  }

  /** Looks at the active jobs of every queue; resolves with how many were put aside. */
  async sweep(): Promise<number> {
    let found = 0;
    for (const entry of this.registry.all()) {
      for (const suspect of await this.suspects(entry)) {
        if (await this.judge(entry, suspect)) found += 1;
      }
    }
    return found;
  }

  private async suspects(entry: RegisteredQueue): Promise<Suspect[]> {
    const base = baseOf(entry);
    const found = await this.connections.producer.eval(
      FIND_SUSPECTS,
      1,
      `${base}active`,
      base,
      MAX_LOOKED_AT,
    );
    return found as Suspect[];
  }

  private async judge(entry: RegisteredQueue, [id, opts, progress, data]: Suspect): Promise<boolean> {
    if (opts === undefined) {
      const reason = 'The record of the job was gone from Redis while it was active.';
      return this.putAside(entry, id, 'missing_data', reason, {});
    }
    const replacements: Record<string, string> = {
      ...(!isJson(opts) && { opts: '{}' }),
      ...(!isJson(progress) && { progress: '0' }),
      ...(!isJson(data) && { data: new CorruptPayload(data ?? '', '').replacement }),
    };
    const fields = Object.keys(replacements);
    if (fields.length === 0) return false;
    const reason = `What Redis holds of the job is not JSON: ${fields.join(', ')}.`;
    return this.putAside(entry, id, 'corrupt_data', reason, replacements);
  }

  private async putAside(
    entry: RegisteredQueue,
    id: string,
    cause: DeathCause,
    reason: string,
    replacements: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    const base = baseOf(entry);
    const now = Date.now();
    const record: AttemptRecord = {
      start: 0,
      endedAt: now,
      outcome: 'failed',
      cause,
      error: { name: 'JobDeathError', message: reason },
    };
    const keys = [id, 'active', 'failed', 'stalled', 'events'].map((part) => `${base}${part}`);
    const type = await this.connections.producer.eval(
      QUARANTINE,
      keys.length,
      ...keys,
      id,
      now,
      reason,
      JSON.stringify(record),
      cause,
      ...Object.entries(replacements).flat(),
    );
    // 0 for one that is somebody else's again.
    if (typeof type !== 'string') return false;
    const queue = entry.definition.name;
    this.logger.error({ msg: `Job ${id} was put aside: ${reason}`, queue, cause });
    for (const listener of this.listeners) listener({ queue, id, type, cause, reason });
    return true;
  }
}

function baseOf({ queue, definition }: RegisteredQueue): string {
  return `${queue.opts.prefix}:${definition.name}:`;
}

function isJson(text: string | null | undefined): boolean {
  if (text === null || text === undefined) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
