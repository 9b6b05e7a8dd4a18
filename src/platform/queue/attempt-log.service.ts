import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { Settings } from '../../config/settings';
import { queuePrefix } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import {
  ATTEMPTS_FIELD,
  attemptRecords,
  CANCEL_FIELD,
  FIRST_ATTEMPT_RECORDS,
  MAX_ATTEMPT_RECORDS,
  RETURNS_FIELD,
  type AttemptRecord,
} from './attempt-record';
import type { QueueDefinition } from './define-queue';

/** Who wants a job cancelled, and why. */
export interface CancelWish {
  readonly reason: string;
  readonly by: string;
}

/** What is known of a job's earlier starts. */
export interface AttemptHistory {
  readonly records: readonly AttemptRecord[];
  /** Starts that ended in a deliberate return. */
  readonly returns: number;
  readonly cancelWish?: CancelWish;
}

export interface Appended {
  /** Whether the attempt still had the job; nothing was written when it had not. */
  readonly isOwner: boolean;
  readonly cancelWish?: CancelWish;
}

// A job that was removed meanwhile must not come back as a hash with nothing but records.
// A wish to cancel is fulfilled by whichever end comes first, unless the job goes back to its queue.
const APPEND = `
local job, lock = KEYS[1], KEYS[2]
if ARGV[2] ~= '' and redis.call('GET', lock) ~= ARGV[2] then return { 0, false } end
if redis.call('HEXISTS', job, 'name') == 0 then return { 1, false } end
local isJson, records = pcall(cjson.decode, redis.call('HGET', job, '${ATTEMPTS_FIELD}') or '[]')
if not isJson or type(records) ~= 'table' then records = {} end
local wish = redis.call('HGET', job, '${CANCEL_FIELD}')
for _, record in ipairs(cjson.decode(ARGV[1])) do
  if wish and (record.outcome == 'failed' or record.outcome == 'cancelled') then
    record.outcome, record.cause = 'cancelled', nil
    redis.call('HDEL', job, '${CANCEL_FIELD}')
  end
  records[#records + 1] = record
end
while #records > ${MAX_ATTEMPT_RECORDS} do table.remove(records, ${FIRST_ATTEMPT_RECORDS + 1}) end
redis.call('HSET', job, '${ATTEMPTS_FIELD}', cjson.encode(records))
if ARGV[3] == '1' then redis.call('HINCRBY', job, '${RETURNS_FIELD}', 1) end
return { 1, wish }
`;

// Failures still count: only starts that nobody came back from are taken off.
const ADVANCE = `
local job, lock = KEYS[1], KEYS[2]
if redis.call('GET', lock) ~= ARGV[1] or redis.call('HEXISTS', job, 'name') == 0 then return 0 end
local numbers = redis.call('HMGET', job, 'ats', 'atm', '${RETURNS_FIELD}')
local lost = tonumber(numbers[1] or 1) - 1 - tonumber(numbers[2] or 0)
redis.call('HDEL', job, 'stc')
if lost > tonumber(numbers[3] or 0) then redis.call('HSET', job, '${RETURNS_FIELD}', lost) end
return 1
`;

// What cannot be decoded is kept beside, byte by byte, and replaced: nobody could list the queue's jobs otherwise.
const REPAIR = `
local job = KEYS[1]
redis.call('HSETNX', job, 'name', 'unknown')
redis.call('HSETNX', job, 'timestamp', ARGV[1])
redis.call('HSETNX', job, 'data', '{}')
redis.call('HSETNX', job, 'opts', '{}')
for at = 2, #ARGV, 2 do
  redis.call('HSETNX', job, 'hfRaw:' .. ARGV[at], redis.call('HGET', job, ARGV[at]) or '')
  redis.call('HSET', job, ARGV[at], ARGV[at + 1])
end
return 1
`;

/** Reads and writes what a job's hash says of its attempts; on the workers' connection, which outlives an outage. */
@Injectable()
export class AttemptLog {
  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** One command; a job that completes at its first start needs none. */
  async read(definition: QueueDefinition, id: string): Promise<AttemptHistory> {
    const [records, returns, wish] = await this.connections.worker.hmget(
      this.keyOf(definition, id),
      ATTEMPTS_FIELD,
      RETURNS_FIELD,
      CANCEL_FIELD,
    );
    const cancelWish = cancelWishOf(wish);
    return {
      records: attemptRecords(records),
      returns: Number(returns ?? 0),
      ...(cancelWish !== undefined && { cancelWish }),
    };
  }

  /**
   * Appends records in one step, at most 20 being kept: the first two and the newest.
   * With a token only while that token holds the job's lock. A failure becomes a cancellation where somebody wishes it.
   * Rejects with the error of Redis.
   */
  async append(
    definition: QueueDefinition,
    id: string,
    records: readonly AttemptRecord[],
    { token = '', isReturn = false } = {},
  ): Promise<Appended> {
    const key = this.keyOf(definition, id);
    const [isOwner, wish] = (await this.connections.worker.eval(
      APPEND,
      2,
      key,
      `${key}:lock`,
      JSON.stringify(records),
      token,
      isReturn ? '1' : '0',
    )) as [number, string | null];
    const cancelWish = cancelWishOf(wish);
    return { isOwner: isOwner === 1, ...(cancelWish !== undefined && { cancelWish }) };
  }

  /**
   * Notes that this start has brought the job further than those before. A job that is started again and again without an
   * end is taken for one that kills its workers; one that gets on is not: what counts against it begins anew. To be called
   * only for what a later start will find done. False when the job is somebody else's by now.
   */
  async noteAdvance(
    definition: QueueDefinition,
    { id = '', token = '' }: Pick<Job, 'id' | 'token'>,
  ): Promise<boolean> {
    const key = this.keyOf(definition, id);
    return (await this.connections.worker.eval(ADVANCE, 2, key, `${key}:lock`, token)) === 1;
  }

  /** Gives a job whose hash is gone or not to be read one that everybody can show; the old bytes stay in `hfRaw:…`. */
  async repair(
    definition: QueueDefinition,
    id: string,
    replacements: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.connections.worker.eval(
      REPAIR,
      1,
      this.keyOf(definition, id),
      Date.now(),
      ...Object.entries(replacements).flat(),
    );
  }

  private keyOf({ name, domain }: QueueDefinition, id: string): string {
    return `${queuePrefix(this.settings, domain)}:${name}:${id}`;
  }
}

/** The wish that a job's hash holds, if any. */
export function cancelWishOf(stored: string | null | undefined): CancelWish | undefined {
  if (stored === null || stored === undefined) return undefined;
  try {
    const { reason, by } = JSON.parse(stored) as Record<string, unknown>;
    return { reason: String(reason), by: String(by) };
  } catch {
    // Whoever wrote it wanted the job to stop.
    return { reason: 'no reason given', by: 'unknown' };
  }
}
