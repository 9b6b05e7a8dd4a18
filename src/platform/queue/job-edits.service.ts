import { Injectable } from '@nestjs/common';
import { HELD_FROM, HELD_STEP, HOLD, IS_HELD } from '../key-limits/held-jobs-script';
import { hintChannel, KEY_FIELD, limitKeyOf, PERMIT_FIELD } from '../key-limits/key-limit';
import { KeyLimitStore } from '../key-limits/key-limit-store.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { opened, sealed, unmasked } from '../secrets/payload-secrets';
import { checkPayload } from './job-payload';
import { passPayloadCheck } from './payload-checks';
import { priorityNumber, type Priority } from './priority';
import { declaredJob } from './define-queue';
import { PriorityRefusedError, UnknownJobError } from './add-job';
import type { JobSnapshot } from './job-snapshot';
import { QueueRegistry, type RegisteredQueue } from './queue-registry.service';

/** What of a job is to change; what is left out stays. */
export interface JobEdit {
  readonly payload?: object;
  readonly priority?: Priority;
  /** From now; 0 lets the job start at once. */
  readonly delayMs?: number;
}

/** `changed`: it is not the job any more that the caller has seen. */
export type EditOutcome = 'edited' | 'changed' | 'active' | 'finished' | 'unknown';

// Only a job that waits can be edited; whether it does is decided in the same step. A list is walked only to take a
// job without a priority out of it, once per request.
const EDIT = `${HOLD}${IS_HELD}
local job, wait, prioritized, delayed, active = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local meta, marker, priorities, events = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local id, data, priority, delay, now, seen = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local base, channel, queue, newKey = ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local fields = redis.call('HMGET', job, 'data', 'priority', '${KEY_FIELD}', 'ats', '${PERMIT_FIELD}')
if not fields[1] then return 'unknown' end
if redis.call('ZSCORE', KEYS[10], id) or redis.call('ZSCORE', KEYS[11], id) then return 'finished' end
if redis.call('EXISTS', job .. ':lock') == 1 or redis.call('LPOS', active, id) then return 'active' end
if seen ~= '' and seen ~= fields[1] then return 'changed' end
if data ~= '' then redis.call('HSET', job, 'data', data) end
local limitKey = fields[3]
local hasStarted = tonumber(fields[4] or 0) > 0
local score = redis.call('ZSCORE', delayed, id)
local waitsForKey = limitKey and isHeld(score)
local round = limitKey and redis.call('ZSCORE', prioritized, id)
local isInLine = round and not fields[5] and not hasStarted
local rank = tonumber(priority ~= '' and priority or fields[2] or 0)
local settings = redis.call('HMGET', meta, 'opts.maxLenEvents', 'paused', 'concurrency')
local held = settings[2] or (settings[3] and redis.call('LLEN', active) >= tonumber(settings[3]))
local limit = settings[1] or 10000
if limitKey and newKey ~= '' and newKey ~= limitKey then
  redis.call('HSET', job, '${KEY_FIELD}', newKey)
  if waitsForKey then
    redis.call('ZREM', base .. 'keys:held:' .. limitKey, id)
    hold(base, id, newKey, rank, (tonumber(score) - ${HELD_FROM}) / ${HELD_STEP}, hasStarted and 0 or nextPlace(base))
    hint(base, channel, queue)
  elseif isInLine then
    leaveLine(base, limitKey)
    redis.call('HINCRBY', base .. 'keys:line', newKey, 1)
  end
  limitKey = newKey
end
local function line_up()
  if limitKey then
    hold(base, id, limitKey, rank, now, hasStarted and 0 or nextPlace(base))
    hint(base, channel, queue)
    return
  end
  if rank > 0 then
    redis.call('ZADD', prioritized, rank * 4294967296 + redis.call('INCR', priorities) % 4294967296, id)
  else
    redis.call('LPUSH', wait, id)
  end
  if not held then redis.call('ZADD', marker, 0, '0') end
end
if priority ~= '' then
  redis.call('HSET', job, 'priority', priority)
  if waitsForKey then
    local place = hasStarted and 0 or nextPlace(base)
    redis.call('ZADD', base .. 'keys:held:' .. limitKey, rank * 4294967296 + place, id)
  elseif round then
    -- It keeps its round.
    redis.call('ZADD', prioritized, inLine(rank, tonumber(round)), id)
  elseif redis.call('ZREM', prioritized, id) == 1 then
    line_up()
  end
end
if delay == '' then return 'edited' end
redis.call('HSET', job, 'delay', delay)
if waitsForKey and tonumber(delay) == 0 then return 'edited' end
if waitsForKey then redis.call('ZREM', base .. 'keys:held:' .. limitKey, id) end
if tonumber(delay) == 0 then
  if redis.call('ZREM', delayed, id) == 1 then
    line_up()
    redis.call('XADD', events, 'MAXLEN', '~', limit, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
  end
  return 'edited'
end
redis.call('ZREM', delayed, id)
if limitKey then redis.call('HDEL', job, '${PERMIT_FIELD}') end
if isInLine then leaveLine(base, limitKey) end
if redis.call('ZREM', prioritized, id) == 0 then redis.call('LREM', wait, -1, id) end
local due = now + tonumber(delay)
local last = redis.call('ZREVRANGEBYSCORE', delayed, (due + 1) * 4096 - 1, due * 4096, 'WITHSCORES', 'LIMIT', 0, 1)[2]
redis.call('ZADD', delayed, last and math.min(tonumber(last) + 1, (due + 1) * 4096 - 1) or due * 4096, id)
redis.call('XADD', events, 'MAXLEN', '~', limit, '*', 'event', 'delayed', 'jobId', id, 'delay', due)
redis.call('ZADD', marker, tonumber(redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]) / 4096, '1')
return 'edited'
`;

const keyNames = [
  'wait',
  'prioritized',
  'delayed',
  'active',
  'meta',
  'marker',
  'pc',
  'events',
  'completed',
  'failed',
] as const;

/** An edited payload as it may be stored in the place of the job's own; the mask of a secret means that it stays. */
async function storedPayload(
  { definition, queue }: RegisteredQueue,
  { type, origin: { tenant }, data }: JobSnapshot,
  edited: object,
): Promise<object> {
  const declared = declaredJob(definition, type);
  if (declared === undefined) throw new UnknownJobError(definition.name, type);
  const place = { tenant, type };
  const before = opened(queue, declared.payload, place, parsed(data) ?? {});
  const payload = unmasked(declared.payload, edited, before);
  await checkPayload(type, declared.payload, payload);
  passPayloadCheck(queue, type, payload);
  return sealed(queue, declared.payload, place, payload);
}

/** Changes jobs that have not begun. */
@Injectable()
export class JobEdits {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly limits: KeyLimitStore,
  ) {}

  /**
   * One step: the job is changed as a whole or not at all; with `isSeen` only while its payload is the one given.
   * Throws PayloadInvalidError, PriorityRefusedError, UnknownJobError, or the error of Redis.
   */
  async edit(
    job: JobSnapshot,
    { payload, priority, delayMs }: JobEdit,
    isSeen: boolean,
  ): Promise<EditOutcome> {
    const entry = this.registry.ofJob(job.id);
    if (entry === undefined) return 'unknown';
    const { definition, queue } = entry;
    const stored = payload === undefined ? undefined : await storedPayload(entry, job, payload);
    if (priority !== undefined && definition.hasPriorities !== true && priority !== 'normal') {
      throw new PriorityRefusedError(definition.name);
    }
    const rank = priority === undefined || definition.hasPriorities !== true ? '' : priorityNumber(priority);
    this.connections.assertReady();
    const base = `${queue.opts.prefix}:${definition.name}:`;
    const keys = [job.id, ...keyNames].map((name) => base + name);
    const { keyLimits } = definition;
    const limitKey =
      keyLimits === undefined || stored === undefined
        ? undefined
        : limitKeyOf(keyLimits, stored, job.type, job.origin);
    const outcome = (await this.connections.producer.eval(
      EDIT,
      keys.length,
      ...keys,
      job.id,
      stored === undefined ? '' : JSON.stringify(stored),
      rank,
      delayMs ?? '',
      Date.now(),
      isSeen ? job.data : '',
      base,
      hintChannel(queue.opts.prefix ?? ''),
      definition.name,
      limitKey ?? '',
    )) as EditOutcome;
    // A job that was let in and is delayed now keeps nobody else out.
    if (outcome === 'edited' && (delayMs ?? 0) > 0) await this.limits.forget(entry, [{ id: job.id }]);
    return outcome;
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
