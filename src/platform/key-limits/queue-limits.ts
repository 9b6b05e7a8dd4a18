import type { Queue } from 'bullmq';
import { limitText, type KeyLimit } from './key-limit';

const limits = new WeakMap<Queue, string>();

/** From now on producers know what a key of the queue may have that has no limits of its own. */
export function tellKeyLimit(queue: Queue, limit: KeyLimit): void {
  limits.set(queue, limitText(limit));
}

/** As the scripts read it; of a queue that nobody has told of, that of no limits. */
export function keyLimitText(queue: Queue): string {
  return limits.get(queue) ?? limitText({});
}
