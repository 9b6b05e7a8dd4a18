import { HOLD, IS_HELD } from './held-jobs-script';
import { KEY_FIELD, PERMIT_FIELD } from './key-limit';

// By these shares of its rate, 5 % together, a key may run ahead of it: when tokens are handed out, which makes up for
// what came too late, and by jobs that were let in and start later than they might. One is let in whatever its share.
const TOKEN_LEEWAY = 0.03;
const READY_LEEWAY = 0.02;
// Whoever comes later than its token by no more than this part of the time between two of them loses nothing.
const LATENESS = 0.1;

const PERMIT_TEXT = '^(%d+) (%d+) (%S) (.*)$';

/**
 * Lua: time, limits and tokens. Needs `base`, and the default limits as `max`, `ms` and `most`.
 * The rate is GCRA: a key's next token is due at its theoretical arrival time, `tat`, in µs by the clock of Redis.
 */
const LIMITS = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local nowMs = math.floor(now / 1000)
local permits, running, readyOf = base .. 'keys:permits', base .. 'keys:running', base .. 'keys:ready'
local ring, later, blocked, tats = base .. 'keys:ring', base .. 'keys:later', base .. 'keys:blocked', base .. 'keys:tat'

local function limitFrom(text)
  if not text then return max, ms, most end
  local ownMax, ownMs, ownMost = string.match(text, '^(%S+) (%S+) (%S+)$')
  return tonumber(ownMax), tonumber(ownMs), tonumber(ownMost)
end

-- How many tokens a key has, when the next one is due if it has none, what they are counted from, and their distance.
local function tokensOf(tat, rateMax, rateMs)
  local interval = rateMs * 1000 / rateMax
  local from = tonumber(tat or 0)
  if from < now - interval * ${LATENESS} then from = now end
  local slack = math.floor(rateMax * ${TOKEN_LEEWAY}) * interval
  return math.floor((now + slack - from) / interval) + 1, from - slack, from, interval
end

-- Takes from counters of keys; one that has none left is forgotten, and told.
local function lower(counter, changes)
  local keys, values, idle = {}, {}, {}
  for key in pairs(changes) do keys[#keys + 1] = key end
  if #keys == 0 then return idle end
  local before = redis.call('HMGET', counter, unpack(keys))
  for at, key in ipairs(keys) do
    local left = tonumber(before[at] or 0) - changes[key]
    if left > 0 then
      values[#values + 1] = key
      values[#values + 1] = left
    else
      idle[#idle + 1] = key
    end
  end
  if #values > 0 then redis.call('HSET', counter, unpack(values)) end
  if #idle > 0 then redis.call('HDEL', counter, unpack(idle)) end
  return idle
end

-- Keys that waited for a job of theirs may have something to let in.
local function unblock(changes)
  if redis.call('SCARD', blocked) == 0 then return end
  for key in pairs(changes) do
    if redis.call('SREM', blocked, key) == 1 then lineUpKey(base, key) end
  end
end

-- Gives permits back, of the given starts only where those are given.
local function release(ids, starts)
  local held = redis.call('HMGET', permits, unpack(ids))
  local gone, ended, unstarted = {}, {}, {}
  for at, id in ipairs(ids) do
    if held[at] then
      local start, _, kind, key = string.match(held[at], '${PERMIT_TEXT}')
      if not starts or starts[at] == start then
        gone[#gone + 1] = id
        ended[key] = (ended[key] or 0) + 1
        if not starts and kind == 'r' then unstarted[key] = (unstarted[key] or 0) + 1 end
      end
    end
  end
  if #gone == 0 then return end
  redis.call('HDEL', permits, unpack(gone))
  local idle = lower(running, ended)
  if #idle > 0 then redis.call('HDEL', readyOf, unpack(idle)) end
  lower(readyOf, unstarted)
  unblock(ended)
end
`;

// What every script here is told first.
const READ_ARGUMENTS = `
local base, queue, channel = ARGV[1], ARGV[2], ARGV[3]
local max, ms, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
`;

const PREAMBLE = `${READ_ARGUMENTS}${HOLD}${IS_HELD}${LIMITS}`;

/** What one call lets in, and how many notes of starts and ends it takes. */
export const MAX_PER_CALL = 250;

const MAX_LINE = 20_000;

/**
 * Takes note of ends and starts of jobs, then lets in held jobs, in turns between their keys, until the jobs that are
 * ready to start are as many as `target`, or twice as many as run.
 * ARGV: target, number of ends, per end id and start, then per key with starts key and number.
 * Answers how many were let in, the milliseconds until the next key that waits for its rate (-1: none), whether there
 * is more to do at once, and whether as many jobs are ready as should be.
 */
export const DISPENSE = `${PREAMBLE}
local target, ends = tonumber(ARGV[7]), tonumber(ARGV[8])
local delayed, wait, prioritized, events = base .. 'delayed', base .. 'wait', base .. 'prioritized', base .. 'events'

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
local room = math.max(target, target > 0 and 2 * active or 0) - redis.call('LLEN', wait) - redis.call('ZCARD', prioritized)
room = math.min(settings[2] and 0 or room, ${MAX_PER_CALL})

expected = ${MAX_PER_CALL}
-- Jobs whose delay is over, before BullMQ lets them line up without asking.
local due = redis.call('ZRANGEBYSCORE', delayed, 0, (nowMs + 1) * 4096 - 1, 'LIMIT', 0, ${MAX_PER_CALL})
for _, id in ipairs(due) do
  local job = redis.call('HMGET', base .. id, '${KEY_FIELD}', 'priority', 'ats')
  if job[1] then
    hold(base, id, job[1], tonumber(job[2] or 0), nowMs, tonumber(job[3] or 0) > 0)
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
local none = {}

-- How many jobs each of the keys may let in now; those that may none are put where they wait.
local function allowances(keys, share)
  local run = redis.call('HMGET', running, unpack(keys))
  local own = hasOwn and redis.call('HMGET', base .. 'keys:limits', unpack(keys)) or none
  local hasRate = hasOwn or max
  local ready = hasRate and redis.call('HMGET', readyOf, unpack(keys)) or none
  local tat = hasRate and redis.call('HMGET', tats, unpack(keys)) or none
  local allowed, waiting, stuck = {}, {}, {}
  for at, key in ipairs(keys) do
    local rateMax, rateMs, concurrency = limitFrom(own[at])
    local state = { key = key, running = tonumber(run[at] or 0), ready = tonumber(ready[at] or 0), free = share }
    if concurrency then state.free = math.min(state.free, concurrency - state.running) end
    if rateMax then
      -- Jobs that are let in and have not begun may all begin at one moment.
      state.free = math.min(state.free, math.max(1, math.floor(rateMax * ${READY_LEEWAY})) - state.ready)
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
    local line, ranked = {}, {}
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
          if rank > 0 then
            ranked[#ranked + 1], ranked[#ranked + 2] = rank, id
          else
            line[#line + 1] = id
          end
        end
      end
      depth = depth + 1
    end
    redis.call('HSET', permits, unpack(marks))
    if #line > 0 then redis.call('LPUSH', wait, unpack(line)) end
    if #ranked > 0 then
      local place = redis.call('INCRBY', base .. 'pc', #ranked / 2) - #ranked / 2
      for at = 1, #ranked, 2 do
        place = place + 1
        ranked[at] = ranked[at] * 4294967296 + place % 4294967296
      end
      redis.call('ZADD', prioritized, unpack(ranked))
    end
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
return { letIn, nextMs, isMore and 1 or 0, room <= 0 and 1 or 0 }
`;

/**
 * Lets a job start that was not let in for this start: one that is tried again, that somebody sent back or that BullMQ
 * lined up. One that may not start goes back to wait for its key, before all others, as if nothing had been.
 * ARGV: id, token, key. Answers 1 when it may, 0 when it waits again, -1 when somebody else has it.
 */
export const ADMIT = `${PREAMBLE}
local id, token, key = ARGV[7], ARGV[8], ARGV[9]
local job = base .. id
if redis.call('GET', job .. ':lock') ~= token then return -1 end
local fields = redis.call('HMGET', job, 'ats', 'atm', 'priority', '${KEY_FIELD}')
local start, made = fields[1] or '1', fields[2] or '0'
if fields[4] ~= key then redis.call('HSET', job, '${KEY_FIELD}', key) end
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
hold(base, id, key, tonumber(fields[3] or 0), nowMs, true)
local maxEvents = redis.call('HGET', base .. 'meta', 'opts.maxLenEvents') or 10000
redis.call('XADD', base .. 'events', 'MAXLEN', '~', maxEvents, '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
hint(base, channel, queue)
return 0
`;

/**
 * Forgets jobs that are gone, or wait for something else now.
 * ARGV: per job its id, and the key that it was held for or ''.
 */
export const FORGET = `${PREAMBLE}
local ids = {}
for at = 7, #ARGV, 2 do
  ids[#ids + 1] = ARGV[at]
  if ARGV[at + 1] ~= '' then redis.call('ZREM', base .. 'keys:held:' .. ARGV[at + 1], ARGV[at]) end
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
    -- A time that has come says no more than none.
    if tonumber(redis.call('HGET', tats, key) or 0) <= now then
      redis.call('ZREM', base .. 'keys:names', key)
      redis.call('HDEL', tats, key)
    end
  end
end
if #names > 0 or freed > 0 then hint(base, channel, queue) end
return { #names == size and names[#names] or '', freed }
`;

/**
 * Sets or removes the limits of one key, at once.
 * ARGV: key, limits as text or '' for the default ones, the tenant they are set for or '', the most keys that may have
 * limits of their own, the most of one tenant. Answers 1, or 0 when so many have some already.
 */
export const SET_LIMIT = `${PREAMBLE}
local key, text, tenant, most, mostOfTenant = ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local limits, tenants, counts = base .. 'keys:limits', base .. 'keys:tenants', base .. 'keys:tenant-counts'
local before = redis.call('HGET', tenants, key)
if text == '' then
  redis.call('HDEL', limits, key)
  if before then
    redis.call('HDEL', tenants, key)
    if redis.call('HINCRBY', counts, before, -1) <= 0 then redis.call('HDEL', counts, before) end
  end
else
  if redis.call('HEXISTS', limits, key) == 0 and redis.call('HLEN', limits) >= most then return 0 end
  if tenant ~= '' and not before then
    if tonumber(redis.call('HGET', counts, tenant) or 0) >= mostOfTenant then return 0 end
    redis.call('HSET', tenants, key, tenant)
    redis.call('HINCRBY', counts, tenant, 1)
  end
  redis.call('HSET', limits, key, text)
end
redis.call('ZADD', base .. 'keys:names', 0, key)
-- What was taken under the limits before must not keep the key waiting longer than the new ones do.
local rateMax, rateMs = limitFrom(text ~= '' and text)
local tat = redis.call('HGET', tats, key)
if tat then
  local latest = rateMax and now + rateMs * 1000 / rateMax or now
  if tonumber(tat) > latest then redis.call('HSET', tats, key, latest) end
end
redis.call('ZREM', later, key)
redis.call('SREM', blocked, key)
lineUpKey(base, key)
hint(base, channel, queue)
return 1
`;

const VIEW = `
local function view(key, text)
  local rateMax, rateMs, concurrency = limitFrom(text)
  local wait, line = redis.call('ZCARD', base .. 'keys:held:' .. key), redis.call('HGET', running, key)
  local nextMs = -1
  if rateMax then
    local tokens, dueAt = tokensOf(redis.call('HGET', tats, key), rateMax, rateMs)
    if tokens <= 0 then nextMs = math.max(0, math.ceil((dueAt - now) / 1000)) end
  end
  local isFull = concurrency and tonumber(line or 0) >= concurrency
  return { key, wait, tonumber(line or 0), text or '', nextMs, isFull and 1 or 0 }
end
`;

/**
 * What is known of keys. ARGV: how many follow, 0 for a page of all; then those, or the name that the page begins
 * after and its size. Answers the time in milliseconds, then per key: key, held jobs, jobs that were let in, own limits
 * or '', milliseconds until its next token (-1: it has one), whether it has no free place.
 */
export const LIST = `${PREAMBLE}${VIEW}
local count = tonumber(ARGV[7])
local names = {}
if count > 0 then
  for at = 8, 7 + count do names[#names + 1] = ARGV[at] end
else
  local from = ARGV[8] == '' and '-' or '(' .. ARGV[8]
  names = redis.call('ZRANGEBYLEX', base .. 'keys:names', from, '+', 'LIMIT', 0, tonumber(ARGV[9]))
end
local found = { tostring(nowMs) }
for _, key in ipairs(names) do
  found[#found + 1] = view(key, redis.call('HGET', base .. 'keys:limits', key))
end
return found
`;

/** Lines up what a queue that limits no keys any more has held. Answers how many, at most 250 at a time. */
export const FREE = `${PREAMBLE}
local held = redis.call('ZRANGEBYSCORE', base .. 'delayed', ARGV[7], '+inf', 'LIMIT', 0, ${MAX_PER_CALL})
for _, id in ipairs(held) do
  local job = redis.call('HMGET', base .. id, '${KEY_FIELD}', 'priority')
  redis.call('ZREM', base .. 'delayed', id)
  if job[1] then redis.call('ZREM', base .. 'keys:held:' .. job[1], id) end
  local rank = tonumber(job[2] or 0)
  if rank > 0 then
    redis.call('ZADD', base .. 'prioritized', rank * 4294967296 + redis.call('INCR', base .. 'pc') % 4294967296, id)
  else
    redis.call('LPUSH', base .. 'wait', id)
  end
  redis.call('XADD', base .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
end
if #held > 0 and not redis.call('HGET', base .. 'meta', 'paused') then
  redis.call('ZADD', base .. 'marker', 0, '0')
end
return #held
`;
