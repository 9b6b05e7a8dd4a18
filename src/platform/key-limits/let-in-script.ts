import { KEY_FIELD, PERMIT_FIELD } from './key-limit';

/**
 * Lua for the script that takes jobs from the line of a queue with limits per key, after PERMITS: `letIn(popped)` is
 * given what was taken, ids and scores, and answers the ids of those that may start, their hashes, and the starts of
 * those that got a permit for it. The others are held.
 */
export const LET_IN = `
-- What is known of a job that was taken from the line. Its key is left out where it cannot be read, or was let in.
local function keyedJob(id)
  local fields = redis.pcall('HGETALL', base .. id)
  local key, keyAt, permit, starts, made, priority
  local count = #fields
  for at = 1, count, 2 do
    local name = fields[at]
    if name == '${KEY_FIELD}' then key, keyAt = fields[at + 1], at
    elseif name == '${PERMIT_FIELD}' then permit = fields[at + 1]
    elseif name == 'ats' then starts = fields[at + 1]
    elseif name == 'atm' then made = fields[at + 1]
    elseif name == 'priority' then priority = fields[at + 1]
    end
  end
  local start = starts and string.format('%d', tonumber(starts) + 1) or '1'
  if permit and (permit == start or permit == start .. 'r') then key = nil end
  -- A worker that is told that a job is let in needs no key.
  if key then
    fields[keyAt], fields[keyAt + 1] = fields[count - 1], fields[count]
    fields[count - 1], fields[count] = nil, nil
  end
  return fields, key, start, not starts, made or '0', priority or '0'
end

-- How many jobs of each key may start.
local function roomOf(keys)
  local runs = redis.call('HMGET', running, unpack(keys))
  local hasOwn = redis.call('HLEN', base .. 'keys:limits') > 0
  local own = hasOwn and redis.call('HMGET', base .. 'keys:limits', unpack(keys))
  local times = (hasOwn or max) and redis.call('HMGET', tats, unpack(keys))
  local isAnyHeld = redis.call('ZCARD', ring) + redis.call('ZCARD', later) + redis.call('SCARD', blocked) > 0
  local free, froms, intervals = {}, {}, {}
  for n = 1, #keys do
    local rateMax, rateMs, concurrency = max, ms, most
    if own then rateMax, rateMs, concurrency = limitFrom(own[n]) end
    runs[n] = tonumber(runs[n] or 0)
    local room = concurrency and concurrency - runs[n] or math.huge
    if rateMax then
      local tokens, _, from, interval = tokensOf(times[n], rateMax, rateMs)
      if tokens < room then room = tokens end
      froms[n], intervals[n] = from, interval
    end
    -- Nothing overtakes the held jobs of its key.
    if isAnyHeld and redis.call('EXISTS', base .. 'keys:held:' .. keys[n]) == 1 then room = 0 end
    free[n] = room
  end
  return free, runs, froms, intervals
end

-- The ids of those that may start, the hashes of all, and the permits of those that got one; the others are held.
local function letIn(popped)
  local hashes, keyOf, startOf, isFirst, madeOf, priorityOf = {}, {}, {}, {}, {}, {}
  local keys, places, left = {}, {}, {}
  local newest = runningRound(base)
  local count = #popped / 2
  for n = 1, count do
    local round = popped[2 * n] % 4294967296
    if round > newest then newest = round end
    local hash, key
    hash, key, startOf[n], isFirst[n], madeOf[n], priorityOf[n] = keyedJob(popped[2 * n - 1])
    hashes[n], keyOf[n] = hash, key or false
    if key then
      if not places[key] then
        keys[#keys + 1] = key
        places[key] = #keys
      end
      if isFirst[n] then left[key] = (left[key] or 0) + 1 end
    end
  end
  if newest > roundNow then
    roundNow = newest
    redis.call('SET', base .. 'keys:round', newest)
  end
  local free, runs, froms, intervals
  if #keys > 0 then free, runs, froms, intervals = roomOf(keys) end
  local ids, kept, given, marks, started = {}, {}, {}, {}, {}
  for n = 1, count do
    local id, key = popped[2 * n - 1], keyOf[n]
    local place = key and places[key]
    if not place or free[place] > 0 then
      local last = #ids + 1
      ids[last], kept[last] = id, hashes[n]
      if place then
        free[place] = free[place] - 1
        started[place] = (started[place] or 0) + 1
        given[last] = startOf[n]
        marks[#marks + 1], marks[#marks + 2] = id, startOf[n] .. ' ' .. madeOf[n] .. ' - ' .. key
      end
    else
      local earlier = isFirst[n] and placeOfRound(popped[2 * n] % 4294967296) or 0
      hold(base, id, key, tonumber(priorityOf[n]), nowMs, earlier)
    end
  end
  if #marks > 0 then
    local counts, times = {}, {}
    for place, more in pairs(started) do
      counts[#counts + 1], counts[#counts + 2] = keys[place], runs[place] + more
      local interval = intervals[place]
      if interval then times[#times + 1], times[#times + 2] = keys[place], froms[place] + more * interval end
    end
    redis.call('HSET', permits, unpack(marks))
    redis.call('HSET', running, unpack(counts))
    if #times > 0 then redis.call('HSET', tats, unpack(times)) end
  end
  local through = lower(base .. 'keys:line', left)
  if redis.call('SCARD', blocked) > 0 then
    for _, key in ipairs(through) do unblock({ [key] = true }) end
  end
  return ids, kept, given
end
`;
