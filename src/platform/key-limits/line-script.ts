/**
 * Lua for whoever adds jobs of a queue with limits per key, after HOLD: which of them stand in line and in which round.
 * A key with limits gets no more places than it may have jobs at a time, or start in a second, and none in a queue with
 * priorities: its other jobs are held, so that workers do not take one after the other in vain. Whether one may start is
 * decided only when it is taken.
 *
 * `lineOf(base, limits, first, width, at)` reads what is known of the keys in ARGV, each the `at`th of `width` arguments,
 * the first of which is the `first`; a key without limits of its own has those that are given.
 * `takePlace(line, key, id, priority)` answers whether the job stands in line, in the next round of its key.
 * `standInLine(line)` writes what was taken.
 */
export const LINE = `
local function placesFor(limits)
  local max, ms, most = string.match(limits, '^(%S+) (%S+) (%S+)$')
  max, ms, most = tonumber(max), tonumber(ms), tonumber(most)
  local places = most or math.huge
  if max then places = math.min(places, math.max(1, math.floor(max * 1000 / ms))) end
  return places
end

local function lineOf(base, limits, first, width, at)
  -- Where this holds something else nothing of the call is done.
  redis.call('ZCARD', base .. 'prioritized')
  local keys, places, count = {}, {}, 0
  for place = first + at - 1, #ARGV, width do
    local key = ARGV[place]
    if key ~= '' and not places[key] then
      count = count + 1
      keys[count], places[key] = key, count
    end
  end
  local line = { base = base, keys = keys, places = places, isTaken = {}, scores = {} }
  if count == 0 then return line end
  local rounds = redis.call('HMGET', base .. 'keys:rounds', unpack(keys))
  local counts = redis.call('HMGET', base .. 'keys:line', unpack(keys))
  local hasOwn = redis.call('HLEN', base .. 'keys:limits') > 0
  local own = hasOwn and redis.call('HMGET', base .. 'keys:limits', unpack(keys))
  local isAnyHeld = redis.call('ZCARD', base .. 'keys:ring') + redis.call('ZCARD', base .. 'keys:later')
    + redis.call('SCARD', base .. 'keys:blocked') > 0
  local usual = placesFor(limits)
  local areRunning = (hasOwn or usual < math.huge) and redis.call('HLEN', base .. 'keys:running') > 0
  local running = areRunning and redis.call('HMGET', base .. 'keys:running', unpack(keys))
  local now = runningRound(base)
  local free, isNew = {}, {}
  for n = 1, count do
    local last, inLine, most = tonumber(rounds[n] or 0), tonumber(counts[n] or 0), usual
    isNew[n] = not rounds[n]
    rounds[n], counts[n] = last > now and last or now, inLine
    if own and own[n] then most = placesFor(own[n]) end
    if running and running[n] then most = most - tonumber(running[n]) end
    -- Nothing overtakes the held jobs of its key.
    if isAnyHeld and redis.call('EXISTS', base .. 'keys:held:' .. keys[n]) == 1 then most = 0 end
    free[n] = most - inLine
  end
  line.rounds, line.counts, line.free, line.isNew = rounds, counts, free, isNew
  return line
end

local function takePlace(line, key, id, priority)
  local n = line.places[key]
  local free = line.free[n]
  -- Those that wait for their key are taken by priority; in line an urgent one would wait behind one that is not.
  if free <= 0 or priority > 0 and free < math.huge then return false end
  line.free[n] = free - 1
  line.counts[n] = line.counts[n] + 1
  local round = line.rounds[n] + 1
  line.rounds[n], line.isTaken[n] = round, true
  local scores = line.scores
  local last = #scores
  scores[last + 1], scores[last + 2] = inLine(priority, round), id
  return true
end

local function standInLine(line)
  if #line.scores == 0 then return end
  local rounds, counts, names, last = {}, {}, {}, 0
  for n, key in ipairs(line.keys) do
    if line.isTaken[n] then
      rounds[last + 1], rounds[last + 2] = key, line.rounds[n]
      counts[last + 1], counts[last + 2] = key, line.counts[n]
      last = last + 2
      if line.isNew[n] then names[#names + 1], names[#names + 2] = 0, key end
    end
  end
  redis.call('ZADD', line.base .. 'prioritized', unpack(line.scores))
  redis.call('HSET', line.base .. 'keys:rounds', unpack(rounds))
  redis.call('HSET', line.base .. 'keys:line', unpack(counts))
  if #names > 0 then redis.call('ZADD', line.base .. 'keys:names', unpack(names)) end
end
`;
