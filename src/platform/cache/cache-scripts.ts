/** KEYS: lock. ARGV: token, milliseconds. */
export const RENEW = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;

/** KEYS: lock. ARGV: token. */
export const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/**
 * Stores an entry for whoever has the lock, and for nobody who had it once; the budget of the tenant is counted in the
 * same step. An index of when entries end, and how large they are, ends by itself with the last of them.
 * KEYS: entry, lock, ends, sizes. ARGV: token, entry, for how many ms, its name in the index, its bytes, most bytes,
 * most entries.
 */
export const KEEP = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 'superseded' end
local name, bytes = ARGV[4], tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('HINCRBY', KEYS[4], 'all', -(tonumber(redis.call('HGET', KEYS[4], gone) or 0)))
  redis.call('HDEL', KEYS[4], gone)
  redis.call('ZREM', KEYS[3], gone)
end
local known = redis.call('HGET', KEYS[4], name)
local others = tonumber(redis.call('HGET', KEYS[4], 'all') or 0) - tonumber(known or 0)
if others + bytes > tonumber(ARGV[6]) then return 'full' end
if not known and redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[7]) then return 'full' end
local last = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')
local ends = now + tonumber(ARGV[3])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[3], ends, name)
redis.call('HSET', KEYS[4], name, bytes, 'all', others + bytes)
local lasting = math.max(ends, tonumber(last[2] or 0)) - now
redis.call('PEXPIRE', KEYS[3], lasting)
redis.call('PEXPIRE', KEYS[4], lasting)
redis.call('DEL', KEYS[2])
return 'kept'
`;
