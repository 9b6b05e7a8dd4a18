import { ATTEMPTS_FIELD } from '../queue/attempt-record';

/**
 * Lua for whoever ends jobs of a queue whose completed jobs nobody has to look at before they go:
 * `dropSurplus(set, base, kept, lettered, most)` removes the oldest of a set beyond those that are kept, at most so many.
 * Left to the sweeper are jobs that the history keeps, because they were started or sent back more than once; those with
 * relatives, a scheduler, a deduplication of BullMQ's or a lock; and those whose ids are in `lettered`, because a dead
 * letter has to hear of their end.
 */
export const SURPLUS = `
local function relativesOf(key)
  return key .. ':lock', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful'
end

local function isPlainEnd(key)
  local job = redis.pcall('HMGET', key, 'ats', '${ATTEMPTS_FIELD}', 'parentKey', 'deid', 'rjk', 'opts')
  if job.err or job[1] ~= '1' or job[2] or job[3] or job[4] or job[5] then return false end
  return not string.find(job[6] or '', '"generation":', 1, true)
end

local function dropSurplus(set, base, kept, lettered, most)
  local over = redis.call('ZCARD', set) - kept
  if over <= 0 then return end
  local hasLetters = redis.call('EXISTS', lettered) == 1
  local ids, relatives = {}, {}
  for _, id in ipairs(redis.call('ZRANGE', set, 0, math.min(over, most) - 1)) do
    if isPlainEnd(base .. id) and not (hasLetters and redis.call('SISMEMBER', lettered, id) == 1) then
      ids[#ids + 1] = id
      for _, key in ipairs({ relativesOf(base .. id) }) do relatives[#relatives + 1] = key end
    end
  end
  if #ids == 0 then return end
  local areAlone = redis.call('EXISTS', unpack(relatives)) == 0
  local gone, keys = {}, {}
  for _, id in ipairs(ids) do
    if areAlone or redis.call('EXISTS', relativesOf(base .. id)) == 0 then
      gone[#gone + 1] = id
      keys[#keys + 1], keys[#keys + 2] = base .. id, base .. id .. ':logs'
    end
  end
  if #gone == 0 then return end
  redis.call('DEL', unpack(keys))
  redis.call('ZREM', set, unpack(gone))
end
`;
