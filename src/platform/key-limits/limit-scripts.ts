import { PREAMBLE } from './permit-state-script';

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
  wait = wait + tonumber(redis.call('HGET', base .. 'keys:line', key) or 0)
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
 * after and its size. Answers the time in milliseconds, then per key: key, waiting jobs, jobs that were let in, own limits
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
