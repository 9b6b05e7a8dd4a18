import type { Job } from 'bullmq';
import { JobInterruption, JobTimeoutError } from './job-interruption';

// What a handler gets to notice its signal and to stop.
const GRACE_MS = 5_000;
const LONGEST_TIMER_MS = 2_147_483_647;

/** What is done in an attempt. */
export interface Work {
  /** May throw at once. */
  begin(): Promise<unknown>;
  /** What is kept of what it resolves with, or a promise of that; part of the work, it may throw as well. */
  settle(result: unknown): unknown;
}

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
  private controller?: AbortController;
  private cut?: { readonly reason: unknown };
  private onCut?: ((reason: unknown) => void) | undefined;
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

  /** Made when it is asked for first: it costs more than all else here, and a job of a batch needs none of its own. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cut !== undefined) this.controller.abort(this.cut.reason);
    }
    return this.controller.signal;
  }

  /** What has ended this attempt whatever its handler says; undefined while the handler decides. */
  get interruption(): JobInterruption | undefined {
    const reason = this.cut?.reason;
    return reason instanceof JobInterruption ? reason : undefined;
  }

  /** The first reason counts. */
  interrupt(reason: unknown): void {
    if (this.cut !== undefined) return;
    this.cut = { reason };
    this.controller?.abort(reason);
    this.onCut?.(reason);
    if (this.interruption !== undefined) this.onInterruption?.();
  }

  /** Calls the listener, the only one there is, when the attempt is interrupted; at once where it is already. */
  listen(listener: ((reason: unknown) => void) | undefined): void {
    this.onCut = listener;
    if (this.cut !== undefined) listener?.(this.cut.reason);
  }

  /**
   * Resolves and rejects as the work does, until an interruption: then it rejects with that, as soon as the work ends
   * or its grace is over. `onAbandoned` and, with what the work says after that, `onLate` are called once at most.
   * Written with callbacks: a race of promises is a good part of what a small job costs.
   */
  supervise(work: Work, watch: Watch): Promise<unknown> {
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
      const end = (tell?: () => void) => {
        this.isSupervised = false;
        this.onInterruption = undefined;
        clearTimeout(limit);
        clearTimeout(grace);
        const { interruption } = this;
        if (interruption !== undefined) reject(interruption);
        else tell?.();
      };
      const isLate = () => {
        if (abandonedAt === undefined) return false;
        watch.onLate(Math.round(performance.now() - abandonedAt));
        return true;
      };
      const succeed = (result: unknown) => isLate() || end(() => resolve(result));
      const fail = (error: Error) => isLate() || end(() => reject(error));
      const settled = (result: unknown) => {
        try {
          const kept = work.settle(result);
          if (kept instanceof Promise) kept.then(succeed, fail);
          else succeed(kept);
        } catch (error) {
          fail(error as Error);
        }
      };
      this.isSupervised = true;
      try {
        Promise.resolve(work.begin()).then(settled, fail);
      } catch (error) {
        fail(error as Error);
      }
    });
  }

  private limit(timeoutMs: number): NodeJS.Timeout {
    const fire = () => this.interrupt(new JobTimeoutError(timeoutMs));
    return setTimeout(fire, Math.min(timeoutMs, LONGEST_TIMER_MS));
  }
}
