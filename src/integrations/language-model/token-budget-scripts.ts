/**
 * Takes what an exchange may use at most from all budgets, or from none.
 * KEYS: the day's account, and the job's where there is a job. ARGV: tokens, millionths of cost, limits of the day in
 * both and of the job in tokens (0 for none), for how long the day's account and the job's are kept, in ms.
 * Answers with the budget that does not suffice, or an empty text.
 */
export const RESERVE = `
local tokens, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local function exceeds(key, field, more, limit)
  limit = tonumber(limit)
  return limit > 0 and tonumber(redis.call('HGET', key, field) or 0) + more > limit
end
if KEYS[2] and exceeds(KEYS[2], 'tokens', tokens, ARGV[5]) then return 'tokens of the job' end
if exceeds(KEYS[1], 'tokens', tokens, ARGV[3]) then return 'tokens of the day' end
if exceeds(KEYS[1], 'cost', cost, ARGV[4]) then return 'costs of the day' end
for at, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, 'tokens', ARGV[1])
  redis.call('HINCRBY', key, 'cost', ARGV[2])
  redis.call('PEXPIRE', key, ARGV[5 + at])
end
return ''
`;

/**
 * Puts what was used in the place of what was reserved, and writes it down for the tenant.
 * KEYS: the tenant's record of the day, the day's account, and the job's where there is a job. ARGV: how many tokens
 * and millionths of cost are to be added to the accounts (less than nothing, mostly), then prompt tokens, completion
 * tokens, cost and calls for the record, and for how long that is kept, in ms.
 */
export const SETTLE = `
for at = 2, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 1 then
    redis.call('HINCRBY', KEYS[at], 'tokens', ARGV[1])
    redis.call('HINCRBY', KEYS[at], 'cost', ARGV[2])
  end
end
redis.call('HINCRBY', KEYS[1], 'promptTokens', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'completionTokens', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'cost', ARGV[5])
redis.call('HINCRBY', KEYS[1], 'calls', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
`;
