import { HOLD } from '../key-limits/held-jobs-script';
import { KEY_FIELD } from '../key-limits/key-limit';
import { LINE } from '../key-limits/line-script';

/** The keys of a queue that {@link STORE_JOBS} is handed, in this order. */
export const storeJobsKeys = [
  'wait',
  'meta',
  'id',
  'delayed',
  'active',
  'events',
  'marker',
  'prioritized',
  'pc',
] as const;

const ARGUMENTS_PER_JOB = 9;

/**
 * Stores many jobs of one queue in one step, as BullMQ 6.7.0 lays them out (addStandardJob, addDelayedJob and
 * addPrioritizedJob, without parents, schedulers and BullMQ's own deduplication), and remembers those that have a name.
 * Events come first and the hash last: a queue whose keys are spoiled refuses before anything of the job is stored.
 * Redis refuses a script for want of memory before its first write, never in the middle.
 *
 * ARGV: base of the queue's keys, base of the memory's keys, 1 where the events tell of jobs that are added and wait, then
 * per job: id, type, data, options, timestamp, delay,
 * priority, what to remember ('' for nothing) and for how long; a life of 0 adds the job anew although it is known,
 * a negative one does so unless its end is known.
 * Answers per job: 1 when it was stored, or what is known of the one that was there: its memory, or its type and data.
 */
export const STORE_JOBS = storeJobsScript(false);

/**
 * The same for a queue with limits per key: what has a key and no delay stands in line in the round of its key, or is
 * held where the key has to wait anyway.
 * ARGV has three more before the jobs, the channel of hints, the queue's name and what a key may have that has no limits of
 * its own, and one more per job: its key or ''.
 */
export const STORE_KEYED_JOBS = storeJobsScript(true);

function storeJobsScript(isKeyed: boolean): string {
  const keyed = (text: string) => (isKeyed ? text : '');
  return `${keyed(HOLD + LINE)}
local base, memory, isFollowed = ARGV[1], ARGV[2], ARGV[3] == '1'
local wait, meta, counter, delayed, active, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local marker, prioritized, priorities = KEYS[7], KEYS[8], KEYS[9]
local settings = redis.call('HMGET', meta, 'opts.maxLenEvents', 'paused', 'concurrency')
local maxEvents = settings[1]
if not maxEvents then
  maxEvents = 10000
  redis.call('HSET', meta, 'opts.maxLenEvents', maxEvents)
end
local held = settings[2] or (settings[3] and redis.call('LLEN', active) >= tonumber(settings[3]))
local stored, ready, later = 0, false, false${keyed(`
local isHeld = false
local line = lineOf(base, ARGV[6], 7, ${ARGUMENTS_PER_JOB + 1}, ${ARGUMENTS_PER_JOB + 1})
expected = (#ARGV - 6) / ${ARGUMENTS_PER_JOB + 1}`)}

local function tellWaiting(id)
  if not isFollowed then return end
  redis.call('XADD', events, 'MAXLEN', '~', maxEvents, '*', 'event', 'waiting', 'jobId', id)
end

local function delayedScore(due)
  local lowest, highest = due * 4096, (due + 1) * 4096 - 1
  local last = redis.call('ZREVRANGEBYSCORE', delayed, highest, lowest, 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if not last then return lowest end
  return math.min(tonumber(last) + 1, highest)
end

-- Mostly nobody is there, and nobody is remembered: that is asked once for all.
local FIRST, WIDTH = ${isKeyed ? 7 : 4}, ${ARGUMENTS_PER_JOB + Number(isKeyed)}
local hashes, notes, idOfNote = {}, {}, {}
for at = FIRST, #ARGV, WIDTH do
  hashes[#hashes + 1] = base .. ARGV[at]
  if ARGV[at + 7] ~= '' then
    notes[#notes + 1] = memory .. ARGV[at]
    idOfNote[#notes] = ARGV[at]
  end
end
local isAnyThere = redis.call('EXISTS', unpack(hashes)) > 0
local isStored, remembered = {}, {}
if #notes > 0 then
  for n, note in ipairs(redis.call('MGET', unpack(notes))) do remembered[idOfNote[n]] = note end
end

local outcomes = {}
${keyed('local isDone, problem = pcall(function()')}
for at = FIRST, #ARGV, WIDTH do
  local id, type, data, options = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local timestamp, delay, priority = ARGV[at + 4], tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local note, life = ARGV[at + 7], tonumber(ARGV[at + 8])${keyed(`
  local limitKey = ARGV[at + 9]`)}
  local key = base .. id
  local isLost = false
  local known = note ~= '' and remembered[id] or false
  if life < 0 then
    life = -life
    isLost = known and string.find(known, '^%S+ %d+ %- ') ~= nil
  end
  local outcome = 1
  if isStored[id] or isAnyThere and redis.call('EXISTS', key) == 1 then
    redis.call('XADD', events, 'MAXLEN', '~', maxEvents, '*', 'event', 'duplicated', 'jobId', id)
    outcome = known and { known } or redis.call('HMGET', key, 'name', 'data', 'timestamp')
  elseif known and life > 0 and not isLost then
    outcome = { known }
  else
    stored = stored + 1
    isStored[id] = true
    if isFollowed then redis.call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', type) end
    if delay > 0 then
      local due = tonumber(timestamp) + delay
      redis.call('ZADD', delayed, delayedScore(due), id)
      redis.call('XADD', events, 'MAXLEN', '~', maxEvents, '*', 'event', 'delayed', 'jobId', id, 'delay', due)
      later = true
    ${keyed(`elseif limitKey ~= '' then
      if takePlace(line, limitKey, id, priority) then
        tellWaiting(id)
        ready = true
      else
        hold(base, id, limitKey, priority, tonumber(timestamp), nextPlace(base))
        isHeld = true
      end
    `)}else
      if priority > 0 then
        local place = redis.call('INCR', priorities)
        redis.call('ZADD', prioritized, priority * 4294967296 + place % 4294967296, id)
      else
        redis.call('LPUSH', wait, id)
      end
      tellWaiting(id)
      ready = true
    end
    ${keyed(`if limitKey ~= '' then
      redis.call('HMSET', key, 'name', type, 'data', data, 'opts', options,
        'timestamp', timestamp, 'delay', delay, 'priority', priority, '${KEY_FIELD}', limitKey)
    else
    `)}redis.call('HMSET', key, 'name', type, 'data', data, 'opts', options,
      'timestamp', timestamp, 'delay', delay, 'priority', priority)${keyed(`
    end`)}
    if note ~= '' and life > 0 then
      redis.call('SET', memory .. id, note, 'PX', life)
      remembered[id] = note
    end
  end
  outcomes[#outcomes + 1] = outcome
end
${keyed(`end)
-- Those that are stored stand in line, whatever became of the others.
standInLine(line)
if not isDone then error(problem) end`)}
if stored > 0 then redis.call('INCRBY', counter, stored) end
if ready and not held then redis.call('ZADD', marker, 0, '0') end
if later then
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  if first then redis.call('ZADD', marker, tonumber(first) / 4096, '1') end
end
${keyed('if isHeld then hint(base, ARGV[4], ARGV[5]) end')}
return outcomes
`;
}
