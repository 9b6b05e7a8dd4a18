import { HELD_FROM } from '../key-limits/held-jobs-script';
import { snapshotFields } from './job-snapshot';
import { IS_TROUBLED, troubleFields } from './troubled-script';

const FIELDS = snapshotFields.map((field) => `'${field}'`).join(', ');

// A hash that is gone, or that another key's type stands in for, has no fields.
const FIELDS_OF = `
local function fieldsOf(key)
  if redis.call('TYPE', key).ok ~= 'hash' then return false end
  local fields = redis.call('HMGET', key, ${FIELDS})
  return fields[1] and fields
end
`;

// Sorted by score, then by member, which is the order of a position.
const PAGE_OF = `
local function pageOf(set, afterScore, afterId, limit, upTo)
  local found = {}
  local offset = 0
  while #found < limit * 2 do
    local page = redis.call('ZRANGEBYSCORE', set, afterScore, upTo, 'WITHSCORES', 'LIMIT', offset, limit)
    for at = 1, #page, 2 do
      if #found < limit * 2 and (page[at + 1] ~= afterScore or page[at] > afterId) then
        found[#found + 1] = page[at]
        found[#found + 1] = page[at + 1]
      end
    end
    if #page < limit * 2 then break end
    offset = offset + limit
  end
  return found
end
`;

/** A page of a sorted set: score and member of the last place, limit, highest score. */
export const PAGE = `${PAGE_OF}
return pageOf(KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4])
`;

/** The same with the jobs themselves: as {@link PAGE}, then what the keys of jobs begin with. */
export const JOBS_AFTER = `${PAGE_OF}${FIELDS_OF}
local page = pageOf(KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4])
local found = {}
for at = 1, #page, 2 do found[#found + 1] = { page[at], page[at + 1], fieldsOf(ARGV[5] .. page[at]) } end
return found
`;

/** Those of the ids that stand in a sorted set: what the keys of jobs begin with, ids. */
export const JOBS_AMONG = `${FIELDS_OF}
local found = {}
for at = 2, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[at])
  if score then found[#found + 1] = { ARGV[at], score, fieldsOf(ARGV[1] .. ARGV[at]) } end
end
return found
`;

/**
 * Jobs with their state, and the time by the clock of Redis: what their keys begin with, ids. The state is read with
 * the hash, from the sets' scores and the lock, as JobReader does; only the active list, which is short, is walked.
 */
export const READ = `${FIELDS_OF}
local base = ARGV[1]
local time = redis.call('TIME')
local found = { tostring(time[1] * 1000 + math.floor(time[2] / 1000)) }
for at = 2, #ARGV do
  local id = ARGV[at]
  local fields = fieldsOf(base .. id)
  local entry = false
  if fields then
    local state = 'waiting'
    local dueAt = false
    if redis.call('ZSCORE', base .. 'completed', id) then state = 'completed'
    elseif redis.call('ZSCORE', base .. 'failed', id) then state = 'failed'
    elseif redis.call('EXISTS', base .. id .. ':lock') == 1 then state = 'active'
    else
      local due = redis.call('ZSCORE', base .. 'delayed', id)
      if due and tonumber(due) < ${HELD_FROM} then
        state = 'delayed'
        dueAt = tostring(math.floor(due / 4096))
      elseif due then state = 'waiting'
      elseif redis.call('ZSCORE', base .. 'waiting-children', id) then state = 'waiting-children'
      elseif redis.call('LPOS', base .. 'active', id) then state = 'active'
      end
    end
    entry = { id, state, dueAt, fields }
  end
  found[#found + 1] = entry
end
return found
`;

/** Those of the ids whose jobs have more behind them than one start: what their keys begin with, ids. */
export const TROUBLED = `${IS_TROUBLED}
local found = {}
for at = 2, #ARGV do
  local key = ARGV[1] .. ARGV[at]
  if redis.call('TYPE', key).ok == 'hash' then
    local starts, attempts, options = unpack(redis.call('HMGET', key, ${troubleFields.map((field) => `'${field}'`).join(', ')}))
    if isTroubled(starts, attempts, options) then found[#found + 1] = ARGV[at] end
  end
end
return found
`;

/** What tells the lives of jobs apart, without the jobs: what their keys begin with, ids. */
export const KEYS_OF = `
local found = {}
for at = 2, #ARGV do
  local key = ARGV[1] .. ARGV[at]
  if redis.call('TYPE', key).ok == 'hash' then
    local fields = redis.call('HMGET', key, 'timestamp', 'finishedOn')
    if fields[1] then found[#found + 1] = { ARGV[at], fields[1], fields[2] or '0' } end
  end
end
return found
`;
