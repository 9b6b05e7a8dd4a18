import { createHash } from 'node:crypto';
import { moveToFinished } from 'bullmq/dist/cjs/scripts/moveToFinished-14';
import { LET_IN } from '../key-limits/let-in-script';
import { PERMITS } from '../key-limits/permit-state-script';
import { endFields, SURPLUS } from '../retention/surplus-script';

// The text this was written for, that of BullMQ 6.7.0; with another one jobs are finished one by one, as BullMQ does it.
const KNOWN_SHA256 = '8e744ec5d65dbe9e7ffb6e39a96c0268bba65e4f0b1d04e2d2a42ccb71b45a6d';

// Where the functions of BullMQ's script end and its work begins.
const BODY = '\nlocal jobIdKey = KEYS[12]\n';

// What is taken for nothing, because its key must wait, is read whole and holds up everybody else: as many as were wanted.
const MOST_TURNS = 2;

// A worker with free slots leaves most of what waits to others that have some, too: jobs may take minutes.
const MOST_OF_WAITING = 0.25;

// Of the completed jobs that stay in a queue of which only so many do, those of one call: what people see is a sample of
// the last ten calls at least, not of the last two.
const SHARE_OF_KEPT = 0.1;

/** The keys of a queue that the script is handed, in this order; those of the jobs follow. */
export const queueKeys = [
  'wait',
  'active',
  'prioritized',
  'events',
  'stalled',
  'limiter',
  'delayed',
  'paused',
  'meta',
  'pc',
  'completed',
  'metrics:completed',
  'marker',
] as const;

/**
 * Completes many jobs of one queue in one call and starts as many that wait, as BullMQ's `moveToFinished` leaves them
 * when it is called for one after the other. What most jobs have in common is done with a few commands for all of them;
 * a job with a family or a lock that is not its worker's, and a queue that is paused, limited or has due jobs, are left
 * to BullMQ's own functions, which are part of the text.
 *
 * ARGV: prefix, lock duration, worker's name, how many completed jobs of the queue stay (all of them where it is negative;
 * where it is not, nobody follows the jobs of the queue either, and the events tell of their ends only), the key of jobs with dead letters, how many more jobs may begin, their token (from the second on with a number) and
 * time, then per job that ends: id, timestamp, result, token, whether to fetch, attempts.
 * Answers, packed as MessagePack, per job that ends and then per job that may begin: a code of BullMQ's, the next job as
 * BullMQ hands it out, or an error's text. Of those that may begin, there are no more answers than jobs that were taken,
 * and one more where nothing waits behind them.
 *
 * Of a queue with limits per key it also gives back the permits of the jobs that have ended, and lets in those that it
 * takes from the line, which a fifth part of their answers tells; what must wait for its key is held. ARGV then has
 * before the jobs: queue, channel of hints, and the limits of keys that have none of their own. One more answer, the
 * last one, is 1 where a key has something to let in.
 */
const gathered = (isKeyed: boolean) => {
  const keyed = (text: string) => (isKeyed ? text : '');
  return `
local FIRST, WIDTH = ${isKeyed ? 13 : 8}, 6
local prefix, lockMs, worker, kept, lettered = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
${SURPLUS}
local isFollowed = kept < 0
local wanted, nextToken, nextTime = tonumber(ARGV[6]), ARGV[7], ARGV[8]
${keyed(`local base, queue, channel = ARGV[1], ARGV[9], ARGV[10]
local max, ms, most = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
${PERMITS}`)}
local count = (#ARGV - FIRST) / WIDTH
local settings = rcall('HMGET', KEYS[9], 'opts.maxLenEvents', 'paused', 'concurrency', 'max')
local answers = {}

local function argument(n, which) return ARGV[FIRST + (n - 1) * WIDTH + which] end
local function keyOf(n) return KEYS[${queueKeys.length} + n] end
-- Behind those that end stand the places of jobs that may begin.
local function timeOf(n) return n > count and nextTime or argument(n, 2) end
local function tokenOf(n)
  if n <= count then return argument(n, 4) end
  return n == count + 1 and nextToken or nextToken .. ':' .. (n - count)
end
local function whole(answer)
  -- Redis hands out whole numbers only; a due time has a fraction here.
  if type(answer) ~= 'table' or answer[1] ~= 0 then return answer end
  return { 0, 0, math.floor(answer[3]), math.floor(answer[4]) }
end
local function told(problem) return type(problem) == 'table' and problem.err or tostring(problem) end

local locks, family, ended = {}, {}, {}
for n = 1, count do
  locks[n] = keyOf(n) .. ':lock'
  family[2 * n - 1], family[2 * n] = keyOf(n) .. ':dependencies', keyOf(n) .. ':unsuccessful'
end
-- Without any children of the past, all ends of the call may be plain.
local mayDrop = kept >= 0 and count > 0
if mayDrop then
  for n = 1, count do ended[2 * n - 1], ended[2 * n] = keyOf(n) .. ':processed', keyOf(n) .. ':failed' end
  mayDrop = rcall('EXISTS', unpack(ended)) == 0
end
local held = count > 0 and rcall('MGET', unpack(locks))
local hasFamily = count > 0 and rcall('EXISTS', unpack(family)) > 0

-- A key that holds something else would stop the call in the middle: then each job meets that by itself.
local isSound = true
for _, read in ipairs({ { 'ZCARD', KEYS[11] }, { 'XLEN', KEYS[4] }, { 'SCARD', KEYS[5] }, { 'LLEN', KEYS[2] } }) do
  local seen = redis.pcall(unpack(read))
  isSound = isSound and type(seen) == 'number'
end

local function plainAttempts(n)
  if not isSound then return nil end
  if not settings[1] or held[n] ~= argument(n, 4) then return nil end
  if hasFamily and rcall('EXISTS', family[2 * n - 1], family[2 * n]) > 0 then return nil end
  local job
  if mayDrop then
    job = redis.pcall('HMGET', keyOf(n), 'name', 'parentKey', 'parent', 'deid', 'atm', ${endFields.map((field) => `'${field}'`).join(', ')})
  else
    job = redis.pcall('HMGET', keyOf(n), 'name', 'parentKey', 'parent', 'deid', 'atm')
  end
  if job.err or not job[1] or job[2] or job[3] or job[4] then return nil end
  return tonumber(job[5] or 0), mayDrop and isPlainEnd(job[6], job[7], job[8], job[9])
end

local plain, attempts, freed, ids, ends, isSurplus = {}, {}, {}, {}, {}, {}
for n = 1, count do
  local made, isPlain = plainAttempts(n)
  if made then
    plain[#plain + 1], attempts[n], isSurplus[n] = n, made + 1, isPlain
    freed[#freed + 1], ids[#ids + 1] = locks[n], argument(n, 1)
  else
    answers[n] = false
  end
end

-- Where as many are there as stay, only the newest of those that end together are written: the others would be removed
-- again a moment later. Ends that somebody has to look at are the sweeper's.
local isGone, gone = {}, {}
local function surplusAtOnce(ids)
  local isDone, isFree, there = pcall(function() return withoutLetters(ids, lettered), plainEnds(KEYS[11]) end)
  local staying = isDone and math.max(math.ceil(kept * ${SHARE_OF_KEPT}), kept - there)
  for at = #plain, 1, -1 do
    local n = plain[at]
    if not (isDone and isFree[argument(n, 1)]) then
      isSurplus[n] = false
    elseif isSurplus[n] then
      isGone[n] = staying <= 0
      staying = staying - 1
    end
  end
end

if #plain > 0 then
  rcall('DEL', unpack(freed))
  rcall('SREM', KEYS[5], unpack(ids))
  rcall('XTRIM', KEYS[4], 'MAXLEN', '~', settings[1])
  -- Jobs that began together mostly end together: then they are the oldest, and leave in one piece.
  local isOfCall, areOldest = {}, true
  for _, id in ipairs(ids) do isOfCall[id] = true end
  local oldest = rcall('LRANGE', KEYS[2], -#ids, -1)
  for at = 1, #ids do
    local id = oldest[at]
    areOldest = areOldest and id and isOfCall[id]
    if areOldest then isOfCall[id] = nil end
  end
  if areOldest then rcall('LTRIM', KEYS[2], 0, -#ids - 1) end
  if mayDrop then surplusAtOnce(ids) end
  for _, n in ipairs(plain) do
    local id, result = argument(n, 1), argument(n, 3)
    if not areOldest and rcall('LREM', KEYS[2], -1, id) < 1 then
      answers[n] = -3
    else
      if isGone[n] then
        gone[#gone + 1], gone[#gone + 2] = keyOf(n), keyOf(n) .. ':logs'
      else
        rcall('HSET', keyOf(n), 'atm', attempts[n], 'returnvalue', result, 'finishedOn', argument(n, 2))
        ends[#ends + 1] = argument(n, 2)
        ends[#ends + 1] = id
      end
      rcall('XADD', KEYS[4], '*', 'event', 'completed', 'jobId', id, 'returnvalue', result, 'prev', 'active')
      answers[n] = 0
    end
  end
  if #ends > 0 then rcall('ZADD', KEYS[11], unpack(ends)) end
  if #gone > 0 then rcall('DEL', unpack(gone)) end
end

for n = 1, count do
  if answers[n] == false then
    local options = {
      token = argument(n, 4), name = worker, keepJobs = { count = -1 }, lockDuration = tonumber(lockMs),
      attempts = tonumber(argument(n, 6)), maxMetricsSize = ''
    }
    local isDone, answer = pcall(finish, {
      KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], keyOf(n),
      KEYS[12], KEYS[13]
    }, {
      argument(n, 1), argument(n, 2), 'returnvalue', argument(n, 3), 'completed', argument(n, 5), prefix,
      cmsgpack.pack(options), ''
    })
    answers[n] = isDone and whole(answer) or told(answer)
  end
end

${keyed(`
ended = {}
for n = 1, count do
  local answer = answers[n]
  if type(answer) == 'table' or type(answer) == 'number' and answer >= 0 then ended[#ended + 1] = argument(n, 1) end
end
-- What cannot be given back here is found by the reconciler.
if #ended > 0 then pcall(release, ended, nil, true) end
`)}
local hungry = {}
for _, n in ipairs(plain) do
  if answers[n] == 0 and argument(n, 5) == '1' then hungry[#hungry + 1] = n end
end
local asked = wanted
if wanted > 1 then
  local inLine = redis.pcall('ZCARD', KEYS[3])
  local waiting = rcall('LLEN', KEYS[1]) + (type(inLine) == 'number' and inLine or 0)
  wanted = math.min(wanted, math.max(1, math.floor(waiting * ${MOST_OF_WAITING})))
end
for n = count + 1, count + wanted do
  hungry[#hungry + 1], answers[n] = n, 0
end

local function start(id, n, fields, permit)
  local key, startedAt, starts = prefix .. id, timeOf(n), permit
  rcall('SET', key .. ':lock', tokenOf(n), 'PX', lockMs)
  if isFollowed then rcall('XADD', KEYS[4], '*', 'event', 'active', 'jobId', id, 'prev', 'waiting') end
  fields = fields or rcall('HGETALL', key)
  if fields.err then error(fields) end
  local last = #fields
  if not starts then
    starts = 1
    for at = 1, last, 2 do
      if fields[at] == 'ats' then starts = tonumber(fields[at + 1]) + 1 end
    end
    starts = tostring(starts)
  end
  fields[last + 1], fields[last + 2] = 'processedOn', startedAt
  fields[last + 3], fields[last + 4] = 'pb', worker
  fields[last + 5], fields[last + 6] = 'ats', starts
  rcall('HSET', key, 'processedOn', startedAt, 'pb', worker, 'ats', starts)
  return { fields, id, 0, 0, permit and 1 }
end
${keyed(LET_IN)}
local fed = 0
local function feed(id, fields, permit)
  fed = fed + 1
  local isDone, answer = pcall(start, id, hungry[fed], fields, permit)
  if isDone then answers[hungry[fed]] = answer end
end

local function feedFromWait()
  local waiting = rcall('LRANGE', KEYS[1], -#hungry, -1)
  local next = {}
  for at = #waiting, 1, -1 do
    if string.sub(waiting[at], 1, 2) == '0:' then return false end
    next[#next + 1] = waiting[at]
  end
  if #next == 0 then return true end
  rcall('LTRIM', KEYS[1], 0, -#next - 1)
  rcall('LPUSH', KEYS[2], unpack(next))
  for _, id in ipairs(next) do feed(id) end
  return true
end

local function feedFromLine()
  for _ = 1, ${MOST_TURNS} do
    local wanted = #hungry - fed
    if wanted == 0 then return end
    local popped = rcall('ZPOPMIN', KEYS[3], wanted)
    if #popped == 0 then return end
    local ids = {}
    ${
      isKeyed
        ? `local isDone, starting, hashes, given = pcall(letIn, popped)
    if not isDone then
      -- A key of ours holds something else: back into the line with those that are not held already.
      for at = 1, #popped, 2 do
        if not rcall('ZSCORE', KEYS[7], popped[at]) then rcall('ZADD', KEYS[3], popped[at + 1], popped[at]) end
      end
      return
    end
    ids = starting
    if #ids > 0 then rcall('LPUSH', KEYS[2], unpack(ids)) end
    for at, id in ipairs(ids) do feed(id, hashes[at], given[at]) end`
        : `for at = 1, #popped, 2 do ids[#ids + 1] = popped[at] end
    rcall('LPUSH', KEYS[2], unpack(ids))
    for _, id in ipairs(ids) do feed(id) end`
    }
    if #popped < 2 * wanted then return end
  end
end

if #hungry > 0 and isSound and not (settings[2] or settings[3] or settings[4]) then
  local due = (timeOf(hungry[#hungry]) + 1) * 4096 - 1
  if #rcall('ZRANGEBYSCORE', KEYS[7], 0, due, 'LIMIT', 0, 1) == 0 then
    -- What was taken is answered, also where the line holds something else.
    if feedFromWait() then pcall(feedFromLine) end
    local hasMore = rcall('LLEN', KEYS[1]) > 0 or redis.pcall('ZCARD', KEYS[3]) ~= 0
    -- Only a delayed job is news to a worker that waits when nobody else is left.
    if fed > 0 and (hasMore or rcall('ZCARD', KEYS[7]) > 0) then rcall('ZADD', KEYS[13], 0, '0') end
    -- Whoever takes asks again until nothing waits: where that is so, it hears it at once.
    if not hasMore and fed == #hungry and wanted < asked then
      wanted = wanted + 1
      hungry[#hungry + 1] = count + wanted
    end
  end
end

local nothing
for at = fed + 1, #hungry do
  local n = hungry[at]
  if nothing == nil then
    local isDone, answer = pcall(fetchNextJob, KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6], KEYS[7], KEYS[9], KEYS[10],
      KEYS[13], prefix, timeOf(n), { token = tokenOf(n), lockDuration = lockMs, name = worker })
    if not isDone then
      answer = told(answer)
    elseif not answer or answer[1] == 0 then
      nothing = whole(answer or 0)
      answer = nothing
    end
    answers[n] = answer
  else
    answers[n] = nothing
  end
end

for _, n in ipairs(plain) do
  if answers[n] == 0 then
    if rcall('LLEN', KEYS[1]) == 0 and rcall('LLEN', KEYS[2]) == 0 and rcall('ZCARD', KEYS[3]) == 0 then
      rcall('XADD', KEYS[4], '*', 'event', 'drained')
    end
    break
  end
end
if mayDrop then
  local noted = {}
  for _, n in ipairs(plain) do
    if isSurplus[n] and not isGone[n] and answers[n] ~= -3 then
      noted[#noted + 1], noted[#noted + 2] = argument(n, 1), argument(n, 2)
    end
  end
  -- Two for each that has ended, those included that are gone, so that a surplus is caught up with. What cannot go here is found by the sweeper.
  if #noted + #gone > 0 then pcall(dropSurplus, KEYS[11], prefix, kept, noted, #noted + #gone / 2) end
end
${keyed("answers[count + wanted + 1] = rcall('ZCARD', ring) > 0 and 1 or 0")}
return cmsgpack.pack(answers)
`;
};

/** The script, of a queue with limits per key or of any other; undefined when BullMQ's own is not the one that is known. */
export function gatheredJobsScript(isKeyed = false, stock = moveToFinished.content): string | undefined {
  const at = stock.indexOf(BODY);
  if (at < 0 || createHash('sha256').update(stock).digest('hex') !== KNOWN_SHA256) return undefined;
  return `${stock.slice(0, at)}\nlocal function finish(KEYS, ARGV)${stock.slice(at)}\nend\n${gathered(isKeyed)}`;
}
