import { KEY_FIELD } from './key-limit';
import { MAX_PER_CALL, PREAMBLE } from './permit-state-script';

/** Lines up what a queue that limits no keys any more has held. Answers how many, at most 250 at a time. */
export const FREE = `${PREAMBLE}
local held = redis.call('ZRANGEBYSCORE', base .. 'delayed', ARGV[7], '+inf', 'LIMIT', 0, ${MAX_PER_CALL})
for _, id in ipairs(held) do
  local job = redis.call('HMGET', base .. id, '${KEY_FIELD}', 'priority')
  redis.call('ZREM', base .. 'delayed', id)
  if job[1] then redis.call('ZREM', base .. 'keys:held:' .. job[1], id) end
  local rank = tonumber(job[2] or 0)
  if rank > 0 then
    redis.call('ZADD', base .. 'prioritized', rank * 4294967296 + redis.call('INCR', base .. 'pc') % 4294967296, id)
  else
    redis.call('LPUSH', base .. 'wait', id)
  end
  redis.call('XADD', base .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
end
if #held > 0 and not redis.call('HGET', base .. 'meta', 'paused') then
  redis.call('ZADD', base .. 'marker', 0, '0')
end
return #held
`;
