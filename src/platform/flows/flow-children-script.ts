/**
 * What a job's children have left it. KEYS: the job. Answers per child: key, result as JSON or false, reason or
 * false, and the child's options.
 */
export const READ_CHILDREN = `
local found = {}
local function options(key) return redis.call('TYPE', key).ok == 'hash' and redis.call('HGET', key, 'opts') end
local processed = redis.call('HGETALL', KEYS[1] .. ':processed')
for at = 1, #processed, 2 do
  found[#found + 1] = { processed[at], processed[at + 1], false, options(processed[at]) }
end
local ignored = redis.call('HGETALL', KEYS[1] .. ':failed')
for at = 1, #ignored, 2 do
  found[#found + 1] = { ignored[at], false, ignored[at + 1], options(ignored[at]) }
end
return found
`;
