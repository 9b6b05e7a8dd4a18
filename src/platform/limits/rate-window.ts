/** So many in each window of time, which begins with the first of them. */
export interface WindowLimit {
  readonly max: number;
  readonly windowMs: number;
}

/** What became of a wish to take some. */
export interface Taken {
  readonly isAllowed: boolean;
  readonly remaining: number;
  /** Until the window ends and a new one can begin. */
  readonly resetMs: number;
}

/**
 * KEYS: the window. ARGV: limit, length in milliseconds, how many are wanted. All of them or none are taken.
 * Answers: whether they were, how many are left, and for how long the window goes on.
 */
export const TAKE = `
local max, length, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local left = redis.call('PTTL', KEYS[1])
local used = left > 0 and tonumber(redis.call('GET', KEYS[1])) or 0
if left <= 0 then left = length end
if used + cost > max then return { 0, math.max(0, max - used), left } end
redis.call('SET', KEYS[1], used + cost, 'PX', left)
return { 1, max - used - cost, left }
`;
