import { setFlagsFromString } from 'node:v8';

// A process that begins fewer jobs spends little on collecting, however small the generation.
const BUSY_STARTS_PER_SECOND = 100;

let isBusy = false;
let secondEndsAt = 0;
let starts = 0;

/**
 * Counts the start of a job; from a hundred in a second on the young generation of this process may grow as V8 would let
 * it. `heap-limits.ts` keeps that of a worker small, because most need no more; but in a process that has a hundred jobs
 * in hand their objects outlive it, so that up to half of its time goes into copying them, and into an old generation of
 * 200 MB that is garbage.
 */
export function noteJobStart(now = performance.now()): void {
  if (isBusy) return;
  if (now >= secondEndsAt) {
    secondEndsAt = now + 1_000;
    starts = 0;
  }
  starts += 1;
  if (starts < BUSY_STARTS_PER_SECOND) return;
  isBusy = true;
  // V8's own; the size follows what survives, up to 16 MiB for each half.
  setFlagsFromString('--semi-space-growth-factor=2');
}
