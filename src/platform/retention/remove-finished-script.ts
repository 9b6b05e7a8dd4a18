/**
 * Removes finished jobs of one queue in one step, with what BullMQ keeps beside each, and leaves their keys remembered.
 * Jobs with relatives, a scheduler, a deduplication of BullMQ's or a lock, and those whose memory has to be made from
 * their payload, are left alone and named in the answer; ids that are not in the set are passed over. Unlike BullMQ's
 * removal by hand it tells the event stream nothing: that these jobs have ended was told when they did.
 * What frees memory comes first, so that a Redis that is full lets the rest pass.
 *
 * KEYS: the set. ARGV: base of the queue's keys, base of the memory's keys, the state, for how many milliseconds after
 * its end a job is remembered, now in epoch milliseconds, ids.
 */
export const REMOVE_FINISHED = `
local set, base, memory, state = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local life, now = tonumber(ARGV[4]), tonumber(ARGV[5])
local members, keys, notes, others = {}, {}, {}, {}

local function isPlain(key)
  if redis.call('TYPE', key).ok ~= 'hash' then return false end
  local parent, deduplication, scheduler = unpack(redis.call('HMGET', key, 'parentKey', 'deid', 'rjk'))
  return not (parent or deduplication or scheduler) and redis.call('EXISTS', key .. ':lock', key .. ':dependencies',
    key .. ':processed', key .. ':failed', key .. ':unsuccessful') == 0
end

for at = 6, #ARGV do
  local id = ARGV[at]
  local key = base .. id
  if redis.call('ZSCORE', set, id) then
    local note, left
    local isOther = not isPlain(key)
    if not isOther and life > 0 then
      note = redis.call('GET', memory .. id)
      left = tonumber(redis.call('HGET', key, 'finishedOn') or now) + life - now
      local options = not note and left > 0 and redis.call('HGET', key, 'opts')
      isOther = options and string.find(options, '"key":', 1, true) ~= nil
    end
    if isOther then
      others[#others + 1] = id
    else
      members[#members + 1] = id
      keys[#keys + 1] = key
      keys[#keys + 1] = key .. ':logs'
      if note then notes[#notes + 1] = { memory .. id, note, left } end
    end
  end
end

if #members > 0 then
  redis.call('DEL', unpack(keys))
  redis.call('ZREM', set, unpack(members))
end
for _, note in ipairs(notes) do
  local key, text, left = unpack(note)
  if left > 0 then
    redis.call('SET', key, (string.gsub(text, '^(%S+ %d+) %S+', '%1 ' .. state, 1)), 'PX', left)
  else
    redis.call('DEL', key)
  end
end
return others
`;
