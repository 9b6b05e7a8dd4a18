import { KEY_FIELD, PERMIT_FIELD } from './key-limit';
import { PERMIT_TEXT, PREAMBLE } from './permit-state-script';

/**
 * Lets a job start that was not let in for this start: one that BullMQ took from the line or lined up itself, that is
 * tried again, or that somebody sent back. One that may not start goes back to wait for its key, before those that came
 * after it, as if nothing had been.
 * ARGV: id, token, key. Answers 1 when it may, 0 when it waits again, -1 when somebody else has it.
 */
export const ADMIT = `${PREAMBLE}
local id, token, key = ARGV[7], ARGV[8], ARGV[9]
local job = base .. id
if redis.call('GET', job .. ':lock') ~= token then return -1 end
local fields = redis.call('HMGET', job, 'ats', 'atm', 'priority', '${KEY_FIELD}')
local start, made = fields[1] or '1', fields[2] or '0'
if fields[4] ~= key then redis.call('HSET', job, '${KEY_FIELD}', key) end
local place = 0
local mine = redis.call('HGET', permits, id)
if mine then
  local _, madeThen, _, keyThen = string.match(mine, '${PERMIT_TEXT}')
  if madeThen == made and keyThen == key then
    -- Its worker died: it has its place still.
    redis.call('HSET', permits, id, start .. ' ' .. made .. ' - ' .. key)
    redis.call('HSET', job, '${PERMIT_FIELD}', start)
    return 1
  end
  release({ id })
elseif start == '1' then
  if leaveLine(base, key) then unblock({ [key] = true }) end
  -- What is left of its key stands in the rounds after its own.
  local rounds = tonumber(redis.call('HGET', base .. 'keys:rounds', key) or 0)
  local round = rounds - tonumber(redis.call('HGET', base .. 'keys:line', key) or 0)
  if round > runningRound(base) then redis.call('SET', base .. 'keys:round', round) end
  place = placeOfRound(round)
end
local rateMax, rateMs, concurrency = limitFrom(redis.call('HGET', base .. 'keys:limits', key))
local isFree = not concurrency or tonumber(redis.call('HGET', running, key) or 0) < concurrency
local tokens, from, interval, _ = 1, nil, nil, nil
if rateMax then tokens, _, from, interval = tokensOf(redis.call('HGET', tats, key), rateMax, rateMs) end
if isFree and tokens > 0 then
  redis.call('HSET', permits, id, start .. ' ' .. made .. ' - ' .. key)
  redis.call('HINCRBY', running, key, 1)
  redis.call('ZADD', base .. 'keys:names', 0, key)
  if interval then redis.call('HSET', tats, key, from + interval) end
  redis.call('HSET', job, '${PERMIT_FIELD}', start)
  return 1
end
redis.call('DEL', job .. ':lock')
redis.call('SREM', base .. 'stalled', id)
redis.call('LREM', base .. 'active', -1, id)
redis.call('HDEL', job, '${PERMIT_FIELD}')
if redis.call('HINCRBY', job, 'ats', -1) <= 0 then redis.call('HDEL', job, 'processedOn', 'pb', 'ats') end
hold(base, id, key, tonumber(fields[3] or 0), nowMs, place)
local maxEvents = redis.call('HGET', base .. 'meta', 'opts.maxLenEvents') or 10000
redis.call('XADD', base .. 'events', 'MAXLEN', '~', maxEvents, '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
hint(base, channel, queue)
return 0
`;
