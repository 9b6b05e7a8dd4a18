import { PERMIT_TEXT, PREAMBLE } from './permit-state-script';

const MAX_LINE = 20_000;

/**
 * Forgets jobs that are gone, or wait for something else now.
 * ARGV: per job its id, the key that it was held for or '', and the key in whose line it stood or ''.
 */
export const FORGET = `${PREAMBLE}
local ids = {}
for at = 7, #ARGV, 3 do
  ids[#ids + 1] = ARGV[at]
  if ARGV[at + 1] ~= '' then redis.call('ZREM', base .. 'keys:held:' .. ARGV[at + 1], ARGV[at]) end
  if ARGV[at + 2] ~= '' then leaveLine(base, ARGV[at + 2]) end
end
release(ids)
hint(base, channel, queue)
return #ids
`;

/**
 * Puts right what a crash, or a tool that knows nothing of keys, has left: permits of jobs that neither wait nor run,
 * counters, keys that nobody would look at again. One page of names after `from`.
 * ARGV: the name that the page begins after, its size, whether to look at the permits.
 * Answers the last name of the page, '' at the end, and how many permits were freed.
 */
export const RECONCILE = `${PREAMBLE}
local from, size, hasPermits = ARGV[7], tonumber(ARGV[8]), ARGV[9] == '1'
local freed = 0
-- Nobody is in the middle of a round where nobody stands in line: all begin anew.
if redis.call('ZCARD', base .. 'prioritized') == 0 then
  redis.call('DEL', base .. 'keys:line', base .. 'keys:rounds', base .. 'keys:round')
end
local round = runningRound(base)
-- What lines up without having been let in is somebody else's doing, and may be long.
hasPermits = hasPermits and redis.call('LLEN', base .. 'wait') <= ${MAX_LINE}
if hasPermits then
  local known = redis.call('HGETALL', permits)
  local place = {}
  if #known > 0 then
    for _, list in ipairs({ 'wait', 'paused', 'active' }) do
      for _, id in ipairs(redis.call('LRANGE', base .. list, 0, -1)) do place[id] = list end
    end
  end
  local run, ready = {}, {}
  for at = 1, #known, 2 do
    local id = known[at]
    local _, _, kind, key = string.match(known[at + 1], '${PERMIT_TEXT}')
    local where = place[id] or (redis.call('ZSCORE', base .. 'prioritized', id) and 'prioritized')
    if not where or not key then
      redis.call('HDEL', permits, id)
      freed = freed + 1
    else
      run[key] = (run[key] or 0) + 1
      if where ~= 'active' and kind == 'r' then ready[key] = (ready[key] or 0) + 1 end
    end
  end
  redis.call('DEL', running, readyOf)
  for key, count in pairs(run) do redis.call('HSET', running, key, count) end
  for key, count in pairs(ready) do redis.call('HSET', readyOf, key, count) end
  -- Those that must wait on will be put back at the next look.
  for _, key in ipairs(redis.call('SMEMBERS', blocked)) do lineUpKey(base, key) end
  redis.call('DEL', blocked)
end
local names = redis.call('ZRANGEBYLEX', base .. 'keys:names', from == '' and '-' or '(' .. from, '+', 'LIMIT', 0, size)
for _, key in ipairs(names) do
  local line = base .. 'keys:held:' .. key
  local first = redis.call('ZRANGE', line, 0, 99)
  if #first > 0 then
    local scores = redis.call('ZMSCORE', base .. 'delayed', unpack(first))
    for at, id in ipairs(first) do
      if not isHeld(scores[at]) then redis.call('ZREM', line, id) end
    end
  end
  if redis.call('ZCARD', line) > 0 then
    if not redis.call('ZSCORE', later, key) then lineUpKey(base, key) end
  elseif redis.call('HEXISTS', running, key) == 0 and redis.call('HEXISTS', base .. 'keys:limits', key) == 0 then
    -- A time that has come says no more than none, and so does a round.
    local hasPassed = tonumber(redis.call('HGET', base .. 'keys:rounds', key) or 0) <= round
    if hasPassed and tonumber(redis.call('HGET', tats, key) or 0) <= now then
      redis.call('ZREM', base .. 'keys:names', key)
      redis.call('HDEL', tats, key)
      redis.call('HDEL', base .. 'keys:rounds', key)
      redis.call('HDEL', base .. 'keys:line', key)
    end
  end
end
if #names > 0 or freed > 0 then hint(base, channel, queue) end
return { #names == size and names[#names] or '', freed }
`;
