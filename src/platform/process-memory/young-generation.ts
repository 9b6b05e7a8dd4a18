import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

// Both halves of the young generation, as V8 counts them.
const WANTED_BYTES = 8_388_608;

// A process that begins fewer jobs spends little on collecting, however small the generation.
const BUSY_STARTS_PER_SECOND = 100;

let isWanted = false;
let secondEndsAt = 0;
let starts = 0;

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}

/**
 * Counts the start of a job; from a hundred in a second on the young generation of this process may grow from 2 MiB to 8.
 * `heap-limits.ts` keeps that of a worker small, because most need no more; but a process that has a hundred jobs in hand
 * would spend up to half of its time on copying their objects to and fro.
 */
export function noteJobStart(now = performance.now()): void {
  if (isWanted) return;
  if (now >= secondEndsAt) {
    secondEndsAt = now + 1_000;
    starts = 0;
  }
  starts += 1;
  if (starts >= BUSY_STARTS_PER_SECOND) grow();
}

function grow(): void {
  isWanted = true;
  if (youngBytes() >= WANTED_BYTES) return;
  const observer = new PerformanceObserver(() => {
    if (youngBytes() < WANTED_BYTES) return;
    // V8 grows it as soon as enough has survived, and would go on to 32 MiB.
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  });
  observer.observe({ entryTypes: ['gc'] });
  setFlagsFromString('--semi-space-growth-factor=4');
}
