/**
 * A job that waits for its key lies in BullMQ's delayed set, behind every delay that anybody may ask for, so that all
 * tools still find it. Its score tells since when it waits: this plus eight times the epoch milliseconds, which a
 * double of this size still tells apart. As a delay it would be the year 2248.
 */
export const HELD_FROM = 2 ** 55;
/** What a millisecond counts in such a score. */
export const HELD_STEP = 8;

/** Since when a held job waits, in epoch milliseconds. */
export function heldSince(score: number): number {
  return (score - HELD_FROM) / HELD_STEP;
}

/** Lua: whether a score of the delayed set is that of a held job. */
export const IS_HELD = `
local function isHeld(score) return score and tonumber(score) >= ${HELD_FROM} end
`;

/**
 * Lua: the line of a queue whose jobs have keys, and the jobs that are held beside it.
 *
 * The line is BullMQ's prioritized set: below its priority a score there tells a job's round. A key gets one job into
 * each round, so that keys take turns, and one that comes late begins with the round after the one that runs.
 * `hold(base, id, key, priority, since, place)` lets a stored job wait for its key, `since` in epoch milliseconds. Places
 * of new jobs come from `nextPlace(base)`, `expected` of them in one call at most; a job that was in line already has a
 * `placeOfRound`, before all of those, and one that has started before has the place 0, which no other has.
 * `hint(base, channel, queue)` wakes the workers if they have nothing to let in.
 *
 * Beside the queue's keys, under `keys:`:
 * `round` the round that runs, `rounds` the last one of each key; `line` how many jobs of a key stand in line that were
 * not let in; `held:<key>` the held jobs of a key, by priority and place; `ring` the keys that may have something to let
 * in, by turn; `later` keys that wait for the time in their score (µs), `blocked` those that wait for a job of theirs to
 * start or to end; `names` all keys that are known; `permits` the jobs that were let in, each with its start, the
 * attempts it had made, whether it counts as ready, and its key; `running` how many of those a key has, `ready` how many
 * that count as such; `tat` their theoretical arrival times of GCRA (µs); `limits` the limits of single keys; `seq` and `turn` counters; `hungry` set while a worker waits for something to let in.
 */
export const HOLD = `
local turnNow, roundNow, placeNow
local linedUp, expected = {}, 1
local function lineUpKey(base, key)
  turnNow = turnNow or redis.call('GET', base .. 'keys:turn') or 0
  return redis.call('ZADD', base .. 'keys:ring', 'NX', turnNow, key)
end
local function runningRound(base)
  roundNow = roundNow or tonumber(redis.call('GET', base .. 'keys:round') or 0)
  return roundNow
end
local function inLine(priority, round) return priority * 4294967296 + round % 4294967296 end
local function nextPlace(base)
  placeNow = (placeNow or redis.call('INCRBY', base .. 'keys:seq', expected) - expected) + 1
  return placeNow % 4294967295 + 1
end
local function placeOfRound(round) return (round % 65535 + 1) / 65536 end
local function hold(base, id, key, priority, since, place)
  redis.call('ZADD', base .. 'delayed', ${HELD_FROM} + since * ${HELD_STEP}, id)
  redis.call('ZADD', base .. 'keys:held:' .. key, priority * 4294967296 + place, id)
  if linedUp[key] then return end
  linedUp[key] = true
  if lineUpKey(base, key) == 1 then redis.call('ZADD', base .. 'keys:names', 0, key) end
end
-- Answers whether it was the last of its key.
local function leaveLine(base, key)
  local isLast = redis.call('HINCRBY', base .. 'keys:line', key, -1) <= 0
  if isLast then redis.call('HDEL', base .. 'keys:line', key) end
  return isLast
end
local function hint(base, channel, queue)
  if redis.call('DEL', base .. 'keys:hungry') == 1 then redis.call('PUBLISH', channel, queue) end
end
`;
