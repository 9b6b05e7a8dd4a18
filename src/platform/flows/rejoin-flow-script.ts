import { attemptFields } from '../queue/attempt-record';

const BEFORE = [
  'finishedOn',
  'processedOn',
  'failedReason',
  'defa',
  'atm',
  'ats',
  'stacktrace',
  ...attemptFields,
]
  .map((field) => `'${field}'`)
  .join(', ');

/**
 * Makes the flow of a dead job wait for it again, before BullMQ's `retry`, which of a parent that has left
 * `waiting-children` would only spoil the record: a parent that died of this child, and nothing else, waits again,
 * and so do those that died of the parent. A parent that went on without the child stays as it is, and the child
 * runs by itself. Nothing is changed while one of the parents is just being failed.
 *
 * KEYS: the dead job. ARGV: the time in epoch milliseconds. Answers { 'busy', id } or the ids that wait again.
 */
export const REJOIN_FLOW = `
local steps = {}
local child = KEYS[1]
for depth = 1, 10 do
  local fields = redis.call('HMGET', child, 'parentKey', 'parent')
  if not fields[1] or not fields[2] or redis.call('EXISTS', fields[1]) == 0 then break end
  local parent = cjson.decode(fields[2])
  local step = { child = child, key = fields[1], queue = parent.queueKey, id = parent.id }
  if redis.call('ZSCORE', step.queue .. ':waiting-children', step.id) then
    step.act = 'wait'
    steps[#steps + 1] = step
    break
  end
  if not redis.call('ZSCORE', step.key .. ':unsuccessful', child) then
    step.act = 'leave'
    steps[#steps + 1] = step
    break
  end
  if redis.call('EXISTS', step.key .. ':lock') == 1 then return { 'busy', step.id } end
  step.act = 'return'
  steps[#steps + 1] = step
  step.isLast = redis.call('ZCARD', step.key .. ':unsuccessful') == 1
  if not step.isLast then break end
  child = step.key
end
local revived = {}
for _, step in ipairs(steps) do
  if step.act == 'leave' then
    redis.call('HDEL', step.child, 'parentKey', 'parent')
  else
    local isFatal = redis.call('ZREM', step.key .. ':unsuccessful', step.child)
    local isIgnored = redis.call('HDEL', step.key .. ':failed', step.child)
    if isFatal == 1 or isIgnored == 1 then redis.call('SADD', step.key .. ':dependencies', step.child) end
    if step.act == 'return' and step.isLast then
      local queue, id = step.queue, step.id
      redis.call('ZREM', queue .. ':failed', id)
      redis.call('ZREM', queue .. ':prioritized', id)
      redis.call('ZREM', queue .. ':delayed', id)
      redis.call('LREM', queue .. ':wait', 1, id)
      redis.call('HDEL', step.key, ${BEFORE})
      redis.call('ZADD', queue .. ':waiting-children', ARGV[1], id)
      local maxEvents = redis.call('HGET', queue .. ':meta', 'opts.maxLenEvents') or 1000
      redis.call('XADD', queue .. ':events', 'MAXLEN', '~', maxEvents, '*', 'event', 'waiting-children', 'jobId', id)
      revived[#revived + 1] = id
    end
  end
end
return revived
`;
