import { KEY_FIELD, PERMIT_FIELD } from './key-limit';
import { MAX_PER_CALL, PREAMBLE, READY_LEEWAY } from './permit-state-script';

/**
 * Takes note of ends and starts of jobs, then lets held jobs into the line, in turns between their keys, until those
 * that were let in and have not started are as many as `target`, or twice as many as run.
 * ARGV: target, number of ends, per end id and start, then per key with starts key and number.
 * Answers how many were let in, the milliseconds until the next key that waits for its rate (-1: none), whether there
 * is more to do at once, whether as many jobs are ready as should be, and whether any key waits.
 */
export const DISPENSE = `${PREAMBLE}
local target, ends = tonumber(ARGV[7]), tonumber(ARGV[8])
local delayed, prioritized, events = base .. 'delayed', base .. 'prioritized', base .. 'events'

if ends > 0 then
  local ids, starts = {}, {}
  for at = 9, 7 + ends * 2, 2 do
    ids[#ids + 1], starts[#starts + 1] = ARGV[at], ARGV[at + 1]
  end
  release(ids, starts)
end
local started = {}
for at = 9 + ends * 2, #ARGV, 2 do started[ARGV[at]] = tonumber(ARGV[at + 1]) end
if next(started) then
  lower(readyOf, started)
  unblock(started)
end

local settings = redis.call('HMGET', base .. 'meta', 'opts.maxLenEvents', 'paused', 'concurrency')
local maxEvents = settings[1] or 10000
local active = redis.call('LLEN', base .. 'active')
local unstarted = math.max(0, redis.call('HLEN', permits) - active)
local room = math.max(target, target > 0 and 2 * active or 0) - unstarted
room = math.min(settings[2] and 0 or room, ${MAX_PER_CALL})

expected = ${MAX_PER_CALL}
-- Jobs whose delay is over, before BullMQ lets them line up without asking.
local due = redis.call('ZRANGEBYSCORE', delayed, 0, (nowMs + 1) * 4096 - 1, 'LIMIT', 0, ${MAX_PER_CALL})
for _, id in ipairs(due) do
  local job = redis.call('HMGET', base .. id, '${KEY_FIELD}', 'priority', 'ats')
  if job[1] then
    hold(base, id, job[1], tonumber(job[2] or 0), nowMs, tonumber(job[3] or 0) > 0 and 0 or nextPlace(base))
    redis.call('HSET', base .. id, 'delay', 0)
    redis.call('XADD', events, 'MAXLEN', '~', maxEvents, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
  end
end

if room > 0 then
  local ripe = redis.call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, ${MAX_PER_CALL})
  if #ripe > 0 then
    redis.call('ZREM', later, unpack(ripe))
    for _, key in ipairs(ripe) do lineUpKey(base, key) end
  end
end

local hasOwn = redis.call('HLEN', base .. 'keys:limits') > 0
local isLine = redis.call('ZCARD', prioritized) > 0 and redis.call('HLEN', base .. 'keys:line') > 0
local none = {}

-- How many jobs each of the keys may let in now; those that may none are put where they wait.
local function allowances(keys, share)
  local run = redis.call('HMGET', running, unpack(keys))
  local own = hasOwn and redis.call('HMGET', base .. 'keys:limits', unpack(keys)) or none
  local hasRate = hasOwn or max
  local ready = hasRate and redis.call('HMGET', readyOf, unpack(keys)) or none
  local tat = hasRate and redis.call('HMGET', tats, unpack(keys)) or none
  local inLineNow = isLine and redis.call('HMGET', base .. 'keys:line', unpack(keys)) or none
  local rounds = isLine and redis.call('HMGET', base .. 'keys:rounds', unpack(keys)) or none
  local allowed, waiting, stuck = {}, {}, {}
  for at, key in ipairs(keys) do
    local rateMax, rateMs, concurrency = limitFrom(own[at])
    local state = { key = key, running = tonumber(run[at] or 0), ready = tonumber(ready[at] or 0), free = share }
    if concurrency then state.free = math.min(state.free, concurrency - state.running) end
    if rateMax then
      -- Jobs that are let in and have not begun may all begin at one moment.
      state.free = math.min(state.free, math.max(1, math.floor(rateMax * ${READY_LEEWAY})) - state.ready)
    end
    -- Nothing overtakes those of its key that came before and stand in line, but for what has a priority.
    if inLineNow[at] and tonumber(rounds[at] or 0) > runningRound(base) then
      local place = redis.call('ZRANGE', base .. 'keys:held:' .. key, 0, 0, 'WITHSCORES')[2]
      if place and tonumber(place) < 4294967296 then state.free = 0 end
    end
    local isStuck = state.free <= 0
    local tokens, dueAt
    if rateMax then
      tokens, dueAt, state.from, state.interval = tokensOf(tat[at], rateMax, rateMs)
      state.free = math.min(state.free, tokens)
    end
    if state.free > 0 then
      allowed[#allowed + 1] = state
    elseif isStuck then
      stuck[#stuck + 1] = key
    else
      waiting[#waiting + 1] = dueAt
      waiting[#waiting + 1] = key
    end
  end
  if #waiting > 0 then redis.call('ZADD', later, unpack(waiting)) end
  if #stuck > 0 then redis.call('SADD', blocked, unpack(stuck)) end
  return allowed
end

-- Takes the first held jobs of each key. What somebody has taken out of the delayed set is no longer held.
local function candidates(states)
  local ids, owners = {}, {}
  local places = {}
  for _, state in ipairs(states) do
    state.jobs, state.places = {}, {}
    local first = redis.call('ZPOPMIN', base .. 'keys:held:' .. state.key, state.free)
    state.hasMore = #first == 2 * state.free
    for at = 1, #first, 2 do
      ids[#ids + 1], owners[#owners + 1], places[#places + 1] = first[at], state, first[at + 1]
    end
  end
  if #ids == 0 then return ids end
  local scores = redis.call('ZMSCORE', delayed, unpack(ids))
  local held = {}
  for at, id in ipairs(ids) do
    if isHeld(scores[at]) then
      held[#held + 1] = id
      local state = owners[at]
      state.jobs[#state.jobs + 1] = id
      state.places[#state.jobs] = tonumber(places[at])
    end
  end
  return held
end

local letIn = 0
local turn
while room > 0 do
  local popped = redis.call('ZPOPMIN', ring, room)
  local keys = {}
  for at = 1, #popped, 2 do keys[#keys + 1] = popped[at] end
  if #keys == 0 then break end
  local states = allowances(keys, math.max(1, math.floor(room / #keys)))
  local ids = candidates(states)
  local more, run, ready, tat, marks = {}, {}, {}, {}, {}
  turn = turn or redis.call('INCR', base .. 'keys:turn')
  for _, state in ipairs(states) do
    local count = #state.jobs
    if state.hasMore then
      more[#more + 1], more[#more + 2] = turn, state.key
    end
    if count > 0 then
      run[#run + 1], run[#run + 2] = state.key, state.running + count
      if state.interval then
        ready[#ready + 1], ready[#ready + 2] = state.key, state.ready + count
        tat[#tat + 1], tat[#tat + 2] = state.key, state.from + count * state.interval
      end
    end
  end
  if #more > 0 then redis.call('ZADD', ring, unpack(more)) end
  if #ids > 0 then
    redis.call('ZREM', delayed, unpack(ids))
    redis.call('HSET', running, unpack(run))
    if #ready > 0 then redis.call('HSET', readyOf, unpack(ready)) end
    if #tat > 0 then redis.call('HSET', tats, unpack(tat)) end
    local line, rounds, owners = {}, {}, {}
    for at, state in ipairs(states) do owners[at] = state.key end
    local last = redis.call('HMGET', base .. 'keys:rounds', unpack(owners))
    for at, state in ipairs(states) do state.round = math.max(runningRound(base), tonumber(last[at] or 0)) end
    local deepest = 1
    local depth = 1
    while depth <= deepest do
      for _, state in ipairs(states) do
        deepest = math.max(deepest, #state.jobs)
        local id = state.jobs[depth]
        if id then
          local place = state.places[depth]
          local rank = math.floor(place / 4294967296)
          local start, made = '1', '0'
          if place == rank * 4294967296 then
            local job = redis.call('HMGET', base .. id, 'ats', 'atm')
            start, made = string.format('%d', tonumber(job[1] or 0) + 1), job[2] or '0'
          end
          local kind = state.interval and 'r' or '-'
          marks[#marks + 1], marks[#marks + 2] = id, start .. ' ' .. made .. ' ' .. kind .. ' ' .. state.key
          redis.call('HSET', base .. id, '${PERMIT_FIELD}', state.interval and start .. 'r' or start)
          redis.call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
          state.round = state.round + 1
          line[#line + 1], line[#line + 2] = inLine(rank, state.round), id
        end
      end
      depth = depth + 1
    end
    redis.call('HSET', permits, unpack(marks))
    redis.call('ZADD', prioritized, unpack(line))
    for at, state in ipairs(states) do rounds[2 * at - 1], rounds[2 * at] = state.key, state.round end
    redis.call('HSET', base .. 'keys:rounds', unpack(rounds))
    letIn = letIn + #ids
    room = room - #ids
  end
end

if letIn > 0 then
  redis.call('XTRIM', events, 'MAXLEN', '~', maxEvents)
  if not (settings[3] and active >= tonumber(settings[3])) then redis.call('ZADD', base .. 'marker', 0, '0') end
end
local hasMore = redis.call('ZCARD', ring) > 0
if target <= 0 then
  -- Who stops lets nothing in; others may.
  if hasMore then hint(base, channel, queue) end
elseif room > 0 and not hasMore and not settings[2] then
  redis.call('SET', base .. 'keys:hungry', 1)
end
local nextAt = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')[2]
local nextMs = nextAt and math.max(0, math.ceil((tonumber(nextAt) - now) / 1000)) or -1
local isMore = room > 0 and hasMore or #due >= ${MAX_PER_CALL}
local isAnyKept = hasMore or nextAt or redis.call('SCARD', blocked) > 0
return { letIn, nextMs, isMore and 1 or 0, room <= 0 and 1 or 0, isAnyKept and 1 or 0 }
`;
