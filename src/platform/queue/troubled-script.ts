import { ATTEMPTS_FIELD } from './attempt-record';

/** What a job's hash tells of whether it has more behind it than one start; the values come in this order. */
export const troubleFields = ['ats', ATTEMPTS_FIELD, 'opts'] as const;

/**
 * Lua: `isTroubled(starts, attempts, options)`, given what the hash holds of {@link troubleFields}, tells whether the job
 * was started more than once or sent back, so that a history of failures keeps it.
 */
export const IS_TROUBLED = `
local function isTroubled(starts, attempts, options)
  if (tonumber(starts) or 0) > 1 or attempts then return true end
  return string.find(options or '', '"generation":', 1, true) ~= nil
end
`;
