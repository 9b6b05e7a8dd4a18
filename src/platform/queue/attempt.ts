import type { Job } from 'bullmq';
import { JobInterruption, JobTimeoutError } from './job-interruption';

// What a handler gets to notice its signal and to stop.
const GRACE_MS = 5_000;
const LONGEST_TIMER_MS = 2_147_483_647;

/** The limit of an attempt, and who hears of a handler that ignores it. */
export interface Watch {
  readonly timeoutMs?: number | undefined;
  onAbandoned(): void;
  onLate(lateMs: number): void;
}

/** One run of a job's handler: its signal, its time limit, and the end of patience with a handler that ignores both. */
export class Attempt {
  readonly startedAt = Date.now();
  private readonly begunAt = performance.now();
  private readonly controller = new AbortController();
  /** Whether the handler runs, and has not been left alone. */
  isSupervised = false;
  private onInterruption?: (() => void) | undefined;

  constructor(
    readonly job: Job,
    readonly token: string | undefined,
  ) {}

  get ageMs(): number {
    return Math.round(performance.now() - this.begunAt);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** What has ended this attempt whatever its handler says; undefined while the handler decides. */
  get interruption(): JobInterruption | undefined {
    const reason: unknown = this.controller.signal.reason;
    return reason instanceof JobInterruption ? reason : undefined;
  }

  /** The first reason counts. */
  interrupt(reason: unknown): void {
    if (this.signal.aborted) return;
    this.controller.abort(reason);
    if (this.interruption !== undefined) this.onInterruption?.();
  }

  /**
   * Resolves and rejects as the work does, until an interruption: then it rejects with that, as soon as the work ends
   * or its grace is over. `onAbandoned` and, with what the work says after that, `onLate` are called once at most.
   * Written with callbacks: a race of promises is a good part of what a small job costs.
   */
  supervise<T>(work: (signal: AbortSignal) => Promise<T>, watch: Watch): Promise<T> {
    return new Promise((resolve, reject) => {
      // Cancelled while it was being let in.
      const early = this.interruption;
      if (early !== undefined) throw early;
      const { timeoutMs } = watch;
      const limit = timeoutMs === undefined ? undefined : this.limit(timeoutMs);
      let grace: NodeJS.Timeout | undefined;
      let abandonedAt: number | undefined;
      this.onInterruption = () => {
        grace = setTimeout(() => {
          abandonedAt = performance.now();
          watch.onAbandoned();
          end();
        }, GRACE_MS);
      };
      const end = (settle?: () => void) => {
        this.isSupervised = false;
        this.onInterruption = undefined;
        clearTimeout(limit);
        clearTimeout(grace);
        const { interruption } = this;
        if (interruption !== undefined) reject(interruption);
        else settle?.();
      };
      const isLate = () => {
        if (abandonedAt === undefined) return false;
        watch.onLate(Math.round(performance.now() - abandonedAt));
        return true;
      };
      this.isSupervised = true;
      work(this.signal).then(
        (result) => isLate() || end(() => resolve(result)),
        (error: Error) => isLate() || end(() => reject(error)),
      );
    });
  }

  private limit(timeoutMs: number): NodeJS.Timeout {
    const fire = () => this.interrupt(new JobTimeoutError(timeoutMs));
    return setTimeout(fire, Math.min(timeoutMs, LONGEST_TIMER_MS));
  }
}
