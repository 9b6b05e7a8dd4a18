import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

// Both halves of the young generation, as V8 counts them.
const WANTED_BYTES = 8_388_608;

let isWanted = false;

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}

/**
 * Lets the young generation of this process grow from 2 MiB to 8. `heap-limits.ts` keeps that of a worker small; work that
 * makes thousands of small objects every millisecond would spend a fifth of its time on collecting them.
 */
export function growYoungGeneration(): void {
  if (isWanted || youngBytes() >= WANTED_BYTES) return;
  isWanted = true;
  const observer = new PerformanceObserver(() => {
    if (youngBytes() < WANTED_BYTES) return;
    // V8 grows it as soon as enough has survived, and would go on to 32 MiB.
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  });
  observer.observe({ entryTypes: ['gc'] });
  setFlagsFromString('--semi-space-growth-factor=4');
}
