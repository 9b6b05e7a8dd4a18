import { isNativeError } from 'node:util/types';

/** Redis is away, frozen or refuses to write; the caller may try again. */
export class RedisUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RedisUnavailableError';
  }
}

// First words with which a Redis that is up says that it cannot serve now; before version 7 a script's error
// carries them further inside, behind a dash.
const refusals =
  /(?:^|\s-)(OOM|READONLY|NOREPLICAS|MISCONF|LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOAUTH|WRONGPASS|NOPERM|WRONGTYPE)\b/;
const lostConnection =
  /Connection is closed|Stream isn't writeable|Reached the max retries per request limit|Command timed out|Socket timeout|max number of clients|None of startup nodes is available|Failed to refresh slots cache|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN/;

/** Whether an error of ioredis or BullMQ means that Redis is away or cannot serve, rather than a fault of ours. */
export function isAway(error: unknown): boolean {
  if (!isNativeError(error)) return false;
  if (error instanceof RedisUnavailableError || error.name === 'MaxRetriesPerRequestError') return true;
  const { code = '' } = error as NodeJS.ErrnoException;
  return refusals.test(error.message) || lostConnection.test(error.message) || lostConnection.test(code);
}

/** The word with which Redis refuses to serve, such as OOM; undefined for any other error. */
export function refusalOf(error: unknown): string | undefined {
  return isNativeError(error) ? refusals.exec(error.message)?.[1] : undefined;
}

/** Whether a key holds something else than it should: Redis serves all others. */
export function isSpoiled(error: unknown): boolean {
  return refusalOf(error) === 'WRONGTYPE';
}

/** Whether the command may have been carried out although its answer never came. */
export function isOutcomeUnknown(error: unknown): boolean {
  return isNativeError(error) && /Command timed out|Socket timeout/.test(error.message);
}
