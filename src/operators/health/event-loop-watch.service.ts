import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const WINDOW_MS = 10_000;
const WINDOWS = 3;
// A process that is only starved of CPU must not be restarted: that would make it worse for the others.
const WEDGED_DELAY_MS = 5_000;
const NS_PER_MS = 1e6;

/** Watches how long the event loop stands still at a stretch. */
@Injectable()
export class EventLoopWatch implements OnModuleInit, OnModuleDestroy {
  private readonly histogram = monitorEventLoopDelay({ resolution: 20 });
  private longestByWindow: number[] = [];
  private timer?: NodeJS.Timeout;

  onModuleInit(): void {
    this.histogram.enable();
    this.timer = setInterval(() => this.closeWindow(this.histogram.max / NS_PER_MS), WINDOW_MS);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.histogram.disable();
  }

  /** Takes the longest delay of the window that ends now. */
  closeWindow(longestMs: number): void {
    this.longestByWindow = [...this.longestByWindow, longestMs].slice(-WINDOWS);
    this.histogram.reset();
  }

  /** The longest delay of the last half minute. */
  get longestDelayMs(): number {
    return Math.round(Math.max(0, this.histogram.max / NS_PER_MS, ...this.longestByWindow));
  }

  /** True when the loop stood still for seconds in every window of the last half minute. */
  get isWedged(): boolean {
    return (
      this.longestByWindow.length === WINDOWS &&
      this.longestByWindow.every((delayMs) => delayMs >= WEDGED_DELAY_MS)
    );
  }
}
