import { IS_TROUBLED, troubleFields } from '../queue/troubled-script';

/** What a job's hash tells of whether somebody has to look at its end; the values come in this order. */
export const endFields = [...troubleFields, 'rjk'] as const;

/**
 * Lua for the script that completes jobs of a queue whose completed jobs nobody has to look at before they go. It notes
 * the ends that are plain, in a list beside the set, and removes the oldest of those beyond the number that is kept.
 * All others are left to the sweeper: jobs that the history keeps, because they were started or sent back more than once;
 * those with relatives, a scheduler or a deduplication of BullMQ's; and those that have a dead letter, which has to hear
 * of their end.
 *
 * `isPlainEnd(fields)` is given what the hash holds of {@link endFields}.
 * `withoutLetters(ids, lettered)` answers which of the ids are not in the set of jobs with dead letters.
 * `plainEnds(set)` answers how many plain ends are noted.
 * `dropSurplus(set, base, kept, ends, most)` is given plain ends to note, ids and times, and how many may be removed.
 */
export const SURPLUS = `${IS_TROUBLED}
local function isPlainEnd(starts, attempts, options, scheduler)
  return starts and not scheduler and not isTroubled(starts, attempts, options)
end

local function withoutLetters(ids, lettered)
  local found = {}
  local areLettered = #ids > 0 and redis.call('EXISTS', lettered) == 1 and redis.call('SMISMEMBER', lettered, unpack(ids))
  for at, id in ipairs(ids) do found[id] = not areLettered or areLettered[at] == 0 end
  return found
end

local function plainEnds(set) return redis.call('LLEN', set .. ':plain') / 2 end

local function dropSurplus(set, base, kept, ends, most)
  if #ends > 0 then redis.call('RPUSH', set .. ':plain', unpack(ends)) end
  local over = plainEnds(set) - kept
  if over <= 0 then return end
  local oldest = redis.call('LPOP', set .. ':plain', 2 * math.min(over, most))
  local ids, gone, keys = {}, {}, {}
  for at = 1, #oldest, 2 do ids[#ids + 1] = oldest[at] end
  local times = redis.call('ZMSCORE', set, unpack(ids))
  for at, id in ipairs(ids) do
    -- One that has run again meanwhile, or has gone, is another matter.
    if times[at] == oldest[2 * at] then
      gone[#gone + 1] = id
      keys[#keys + 1], keys[#keys + 2] = base .. id, base .. id .. ':logs'
    end
  end
  if #gone == 0 then return end
  redis.call('DEL', unpack(keys))
  redis.call('ZREM', set, unpack(gone))
end
`;
