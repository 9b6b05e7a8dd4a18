import type { Job } from 'bullmq';
import { JobInterruption, JobTimeoutError } from './job-interruption';

// What a handler gets to notice its signal and to stop.
const GRACE_MS = 5_000;
const LONGEST_TIMER_MS = 2_147_483_647;

/** One run of a job's handler: its signal, its time limit, and the end of patience with a handler that ignores both. */
export class Attempt {
  readonly startedAt = Date.now();
  private readonly begunAt = performance.now();
  private readonly controller = new AbortController();

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
    this.controller.abort(reason);
  }

  /**
   * Resolves and rejects as the work does, until an interruption: then it rejects with that, as soon as the work ends
   * or its grace is over. `onAbandoned` and, with what the work says after that, `onLate` are called once at most.
   */
  async supervise<T>(
    work: (signal: AbortSignal) => Promise<T>,
    watch: { timeoutMs?: number | undefined; onAbandoned(): void; onLate(lateMs: number): void },
  ): Promise<T> {
    const { signal } = this;
    // Cancelled while it was being let in.
    const early = this.interruption;
    if (early !== undefined) throw early;
    const timers: NodeJS.Timeout[] = [];
    const { timeoutMs } = watch;
    if (timeoutMs !== undefined) {
      const fire = () => this.interrupt(new JobTimeoutError(timeoutMs));
      timers.push(setTimeout(fire, Math.min(timeoutMs, LONGEST_TIMER_MS)));
    }
    let abandonedAt: number | undefined;
    const working = work(signal).finally(() => {
      if (abandonedAt !== undefined) watch.onLate(Math.round(performance.now() - abandonedAt));
    });
    const abandoned = new Promise<never>((_resolve, reject) => {
      const loseHope = () => {
        const { interruption } = this;
        if (interruption === undefined) return;
        const giveUp = () => {
          abandonedAt = performance.now();
          watch.onAbandoned();
          reject(interruption);
        };
        timers.push(setTimeout(giveUp, GRACE_MS));
      };
      signal.addEventListener('abort', loseHope, { once: true });
    });
    try {
      const result = await Promise.race([working, abandoned]);
      if (this.interruption !== undefined) throw this.interruption;
      return result;
    } catch (error) {
      throw this.interruption ?? error;
    } finally {
      timers.forEach(clearTimeout);
    }
  }
}
