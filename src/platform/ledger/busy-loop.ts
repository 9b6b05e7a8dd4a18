import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const BUSY = 0.75;
// What is behind a little can wait for the jobs; what is behind for long needs its share.
const PAUSE_FACTOR = 8;
const LATE_PAUSE_FACTOR = 2;
const LATE_MS = 10_000;
const MAX_PAUSE_MS = 1_000;

/** Keeps work in the background of a process that has its hands full of jobs. */
export class BusyLoop {
  private seen = performance.eventLoopUtilization();
  private since = performance.now();
  private wasBusy = false;

  /** Whether the event loop has been busy since the last question. */
  get isBusy(): boolean {
    const now = performance.now();
    // Too short a time tells more about this work than about the others'.
    if (now - this.since < 50) return this.wasBusy;
    const current = performance.eventLoopUtilization();
    this.wasBusy = performance.eventLoopUtilization(current, this.seen).utilization > BUSY;
    this.seen = current;
    this.since = now;
    return this.wasBusy;
  }

  /** After work of `tookMs` that is `behindMs` late: waits a multiple of it where others need the loop, at most 1 s. */
  async giveWay(tookMs: number, behindMs: number): Promise<void> {
    const factor = behindMs < LATE_MS ? PAUSE_FACTOR : LATE_PAUSE_FACTOR;
    if (this.isBusy) await sleep(Math.min(MAX_PAUSE_MS, factor * tookMs));
  }
}
