export const ARGUMENTS_PER_NODE = 10;

/**
 * Stores a flow whole or not at all, as BullMQ 6.7.0 lays its jobs out (addParentJob, addStandardJob, addDelayedJob
 * and addPrioritizedJob), and remembers its root. A root that is there, or known, leaves everything as it is: BullMQ's
 * own insert would take children that have failed meanwhile back among those their parent waits for.
 * The types of all keys are looked at first, because a script that fails in the middle keeps what it has done.
 *
 * KEYS: the root, its memory. ARGV: what to remember, for how long (negative: it counts only once the end is known),
 * then per node, parents first: base of the queue's keys, id, type, data, options, timestamp, delay, priority,
 * the parent as JSON ('' for the root), 1 where it has children.
 * Answers 1 when it was stored, what is known of the root that was there (its memory, or its type, data and time),
 * or `taken` and the id of another job that is in the way.
 */
export const STORE_FLOW = `
local types = { wait = 'list', active = 'list', delayed = 'zset', prioritized = 'zset', marker = 'zset',
  ['waiting-children'] = 'zset', events = 'stream', meta = 'hash', id = 'string', pc = 'string' }
local nodes, queues = {}, {}
for at = 3, #ARGV, ${ARGUMENTS_PER_NODE} do
  nodes[#nodes + 1] = { base = ARGV[at], id = ARGV[at + 1], type = ARGV[at + 2], data = ARGV[at + 3],
    options = ARGV[at + 4], timestamp = ARGV[at + 5], delay = tonumber(ARGV[at + 6]),
    priority = tonumber(ARGV[at + 7]), parent = ARGV[at + 8], waits = ARGV[at + 9] == '1' }
  queues[ARGV[at]] = { stored = 0, ready = false, later = false }
end
local note, life = ARGV[1], tonumber(ARGV[2])
local known = redis.call('GET', KEYS[2]) or false
if redis.call('EXISTS', KEYS[1]) == 1 then
  return known and { known } or redis.call('HMGET', KEYS[1], 'name', 'data', 'timestamp')
end
local isLost = life < 0 and known and string.find(known, '^%S+ %d+ %- ') ~= nil
if known and not isLost then return { known } end
for _, node in ipairs(nodes) do
  if redis.call('EXISTS', node.base .. node.id) == 1 then return { 'taken', node.id } end
end
for base, queue in pairs(queues) do
  for name, kind in pairs(types) do
    local found = redis.call('TYPE', base .. name).ok
    if found ~= 'none' and found ~= kind then
      return redis.error_reply('WRONGTYPE The key ' .. name .. ' of the queue holds something else.')
    end
  end
  local settings = redis.call('HMGET', base .. 'meta', 'opts.maxLenEvents', 'paused', 'concurrency')
  queue.maxEvents = settings[1]
  if not queue.maxEvents then
    queue.maxEvents = 10000
    redis.call('HSET', base .. 'meta', 'opts.maxLenEvents', queue.maxEvents)
  end
  queue.held = settings[2] or (settings[3] and redis.call('LLEN', base .. 'active') >= tonumber(settings[3]))
end

local function delayedScore(set, due)
  local lowest, highest = due * 4096, (due + 1) * 4096 - 1
  local last = redis.call('ZREVRANGEBYSCORE', set, highest, lowest, 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if not last then return lowest end
  return math.min(tonumber(last) + 1, highest)
end

for _, node in ipairs(nodes) do
  local base, id, queue = node.base, node.id, queues[node.base]
  local events = base .. 'events'
  local function tell(...) redis.call('XADD', events, 'MAXLEN', '~', queue.maxEvents, '*', ...) end
  redis.call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', node.type)
  queue.stored = queue.stored + 1
  if node.waits then
    redis.call('ZADD', base .. 'waiting-children', node.timestamp, id)
    tell('event', 'waiting-children', 'jobId', id)
  elseif node.delay > 0 then
    local due = tonumber(node.timestamp) + node.delay
    redis.call('ZADD', base .. 'delayed', delayedScore(base .. 'delayed', due), id)
    tell('event', 'delayed', 'jobId', id, 'delay', due)
    queue.later = true
  else
    if node.priority > 0 then
      local place = redis.call('INCR', base .. 'pc')
      redis.call('ZADD', base .. 'prioritized', node.priority * 4294967296 + place % 4294967296, id)
    else
      redis.call('LPUSH', base .. 'wait', id)
    end
    tell('event', 'waiting', 'jobId', id)
    queue.ready = true
  end
  redis.call('HMSET', base .. id, 'name', node.type, 'data', node.data, 'opts', node.options,
    'timestamp', node.timestamp, 'delay', node.delay, 'priority', node.priority)
  if node.parent ~= '' then
    local parent = cjson.decode(node.parent)
    local parentKey = parent.queueKey .. ':' .. parent.id
    redis.call('HSET', base .. id, 'parentKey', parentKey, 'parent', node.parent)
    redis.call('SADD', parentKey .. ':dependencies', base .. id)
  end
end
for base, queue in pairs(queues) do
  redis.call('INCRBY', base .. 'id', queue.stored)
  if queue.ready and not queue.held then redis.call('ZADD', base .. 'marker', 0, '0') end
  if queue.later then
    local first = redis.call('ZRANGE', base .. 'delayed', 0, 0, 'WITHSCORES')[2]
    if first then redis.call('ZADD', base .. 'marker', tonumber(first) / 4096, '1') end
  end
end
redis.call('SET', KEYS[2], note, 'PX', math.abs(life))
return 1
`;
