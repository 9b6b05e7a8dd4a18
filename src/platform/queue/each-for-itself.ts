import { isDatabaseAway } from '../database/database-unavailable.error';
import { isAway, isSpoiled } from '../redis/redis-unavailable.error';

/**
 * Does the same for each queue, one after the other: what is wrong with one, such as a key of another type, keeps no
 * other waiting. Rejects with the first error when all are done; at once where Redis or the database is away.
 */
export async function eachForItself<T>(all: Iterable<T>, work: (one: T) => Promise<unknown>): Promise<void> {
  const errors: unknown[] = [];
  for (const one of all) {
    try {
      await work(one);
    } catch (error) {
      if (!isSpoiled(error) && (isAway(error) || isDatabaseAway(error))) throw error;
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
