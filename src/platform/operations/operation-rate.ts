import type { Operation } from './operation.store';

/** How many jobs the rate lets go now, `most` at a time. */
export function allowance(operation: Operation, most: number): number {
  const { ratePerSecond } = operation;
  if (ratePerSecond === null) return Number.POSITIVE_INFINITY;
  const unusedMs = Date.now() - unusedSince(operation);
  return unusedMs < 0 ? 0 : Math.min(most, Math.floor((unusedMs * ratePerSecond) / 1_000) + 1);
}

/** From when on the rate is unused, in epoch milliseconds; what a pause has left over is forgotten but for a second. */
export function unusedSince({ nextAt }: Operation): number {
  return Math.max(nextAt.getTime(), Date.now() - 1_000);
}
