import { HOLD, IS_HELD } from './held-jobs-script';

// By these shares of its rate, 5 % together, a key may run ahead of it: when tokens are handed out, which makes up for
// what came too late, and by jobs that were let in and start later than they might. One is let in whatever its share.
const TOKEN_LEEWAY = 0.03;
export const READY_LEEWAY = 0.02;
// Whoever comes later than its token by no more than this part of the time between two of them loses nothing.
const LATENESS = 0.1;

/** A permit: start, attempts made before it, `r` where its start has to be told because the key has a rate, key. */
export const PERMIT_TEXT = '^(%d+) (%d+) (%S) (.*)$';

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

-- Gives permits back, of the given starts only where those are given; all have begun where the jobs were active.
local function release(ids, starts, areActive)
  local held = redis.call('HMGET', permits, unpack(ids))
  local gone, ended, unstarted = {}, {}, {}
  for at, id in ipairs(ids) do
    if held[at] then
      local start, kind, key, _
      if areActive then
        key = string.match(held[at], '^%d+ %d+ %S (.*)$')
      else
        start, _, kind, key = string.match(held[at], '${PERMIT_TEXT}')
      end
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
  if redis.call('HLEN', readyOf) > 0 then
    if #idle > 0 then redis.call('HDEL', readyOf, unpack(idle)) end
    lower(readyOf, unstarted)
  end
  unblock(ended)
end
`;

// What every script here is told first.
const READ_ARGUMENTS = `
local base, queue, channel = ARGV[1], ARGV[2], ARGV[3]
local max, ms, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
`;

/** Lua: for scripts that read `base`, `queue`, `channel`, `max`, `ms` and `most` themselves. */
export const PERMITS = `${HOLD}${IS_HELD}${LIMITS}`;

export const PREAMBLE = `${READ_ARGUMENTS}${PERMITS}`;

/** What one call lets in, and how many notes of starts and ends it takes. */
export const MAX_PER_CALL = 250;
