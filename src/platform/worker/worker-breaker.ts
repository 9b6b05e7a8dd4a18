import type { Logger } from '@nestjs/common';
import type { Worker } from 'bullmq';

/** A worker that fetches no jobs for now, because Redis refuses its commands. */
export interface OpenBreaker {
  readonly queue: string;
  /** Epoch milliseconds. */
  readonly since: number;
  /** What Redis says, in its own first word, such as `READONLY`. */
  readonly reason: string;
}

// What Redis answers while no command of a worker can succeed; BullMQ asks again at once, thousands of times a second.
const REFUSAL =
  /\b(WRONGTYPE|READONLY|OOM|MISCONF|NOAUTH|WRONGPASS|NOPERM|LOADING|BUSY|NOREPLICAS|CLUSTERDOWN|MASTERDOWN|CROSSSLOT)\b/;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
// An idle worker asks every five seconds.
const SOUND_AFTER_MS = 6_000;
// Whatever the error is called, this many within a second are a hot loop.
const MAX_ERRORS_PER_SECOND = 20;

/** Pauses a worker whose commands Redis refuses, for a time that grows from 1 s to 30 s, and lets it try again. */
export class WorkerBreaker {
  private waitMs = FIRST_WAIT_MS;
  private open?: OpenBreaker;
  private timer?: NodeJS.Timeout;
  private isWaiting = false;
  private secondBeganAt = 0;
  private errorsThisSecond = 0;

  constructor(
    private readonly worker: Worker,
    private readonly queue: string,
    private readonly logger: Logger,
  ) {
    worker.on('active', () => this.close());
  }

  get state(): OpenBreaker | undefined {
    return this.open;
  }

  /** Takes an error of the worker; true when it was one that opened the breaker, or came while it was open. */
  take(error: Error): boolean {
    if (isOfOneJob(error)) return false;
    const reason = REFUSAL.exec(error.message.slice(0, 500))?.[1] ?? this.floodReason(error);
    if (reason === undefined) return false;
    if (!this.isWaiting) this.trip(reason);
    return true;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.isWaiting = true;
  }

  private trip(reason: string): void {
    const { waitMs } = this;
    this.isWaiting = true;
    this.open = { queue: this.queue, since: this.open?.since ?? Date.now(), reason };
    this.waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    // Running jobs go on; only the fetching stops, and it does so before this call returns.
    void this.worker.pause(true).catch(() => undefined);
    this.logger.error(
      `Redis refuses the worker of ${this.queue} (${reason}): it takes no jobs for ${waitMs / 1_000} s, then tries again.`,
    );
    this.after(waitMs, () => {
      this.isWaiting = false;
      void this.worker.resume().catch(() => undefined);
      this.after(SOUND_AFTER_MS, () => this.close());
    });
  }

  private close(): void {
    if (this.open === undefined || this.isWaiting) return;
    clearTimeout(this.timer);
    this.open = undefined;
    this.waitMs = FIRST_WAIT_MS;
    this.logger.log(`The worker of ${this.queue} takes jobs again.`);
  }

  private after(delayMs: number, work: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(work, delayMs);
    this.timer.unref();
  }

  private floodReason({ name }: Error): string | undefined {
    const now = Date.now();
    if (now - this.secondBeganAt >= 1_000) {
      this.secondBeganAt = now;
      this.errorsThisSecond = 0;
    }
    this.errorsThisSecond += 1;
    return this.errorsThisSecond > MAX_ERRORS_PER_SECOND ? name.slice(0, 100) : undefined;
  }
}

/** A lock that was lost, a job that is gone: BullMQ gives such errors a number, or says so. */
function isOfOneJob(error: Error & { code?: unknown }): boolean {
  return typeof error.code === 'number' || error.message.startsWith('could not renew lock');
}
