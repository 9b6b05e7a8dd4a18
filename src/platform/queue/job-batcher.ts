import type { Job } from 'bullmq';
import { correlationId, withLogContext } from '../logging/correlation';

/** When a batch begins to run. */
export interface BatchLimits {
  /** The most jobs of one batch; with so many it runs at once. */
  readonly size: number;
  /** The longest its first job waits for others. */
  readonly flushMs: number;
}

/**
 * Does the jobs of one batch together and answers in their order: a result for each, or an Error for one that fails
 * alone. None of them is finished before. What it does must bear being done again, with other jobs beside.
 */
export type BatchHandler<T extends object = object> = (
  jobs: readonly Job<T>[],
  signal: AbortSignal,
) => Promise<readonly unknown[]>;

/** Fails all jobs of a batch alike, with no search for the one that spoils it: what they all need is away. */
export class WholeBatchError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WholeBatchError';
  }
}

/** Why a job of a batch may have to stop. */
export interface Interruptible {
  /** Calls the one listener when the job is interrupted; at once where it is already. */
  listen(listener: ((reason: unknown) => void) | undefined): void;
}

interface Member<T extends object> {
  readonly job: Job<T>;
  readonly attempt: Interruptible;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

// Once jobs stop coming there is nothing to wait for: the last ones of a burst would only get older.
const QUIET_MS = 40;

/**
 * Gathers the jobs that a worker hands out one by one, and runs them in batches. Each stays active, with its lock and
 * its attempt, until its batch has done its work: a crash before loses nothing.
 */
export class JobBatcher<T extends object = object> {
  private waiting: Member<T>[] = [];
  private flushTimer?: NodeJS.Timeout;
  private quietTimer?: NodeJS.Timeout;
  private isHurried = false;

  constructor(
    private readonly queue: string,
    private readonly handler: BatchHandler<T>,
    private readonly limits: () => BatchLimits,
  ) {}

  /** Settles as the batch says of this job; rejects at once when it is interrupted before the batch runs. */
  add(job: Job<T>, attempt: Interruptible): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const member: Member<T> = { job, attempt, resolve, reject };
      this.waiting.push(member);
      attempt.listen((reason) => this.leave(member, reason));
      if (this.waiting.length >= this.limits().size) this.flush();
      else this.schedule();
    });
  }

  /** From now on no batch waits for further jobs: the worker stops. */
  hurry(): void {
    this.isHurried = true;
    this.flush();
  }

  private schedule(): void {
    const { flushMs } = this.limits();
    const flush = () => this.flush();
    this.flushTimer ??= setTimeout(flush, this.isHurried ? 0 : flushMs);
    if (this.quietTimer === undefined) this.quietTimer = setTimeout(flush, Math.min(QUIET_MS, flushMs));
    else this.quietTimer.refresh();
  }

  private leave(member: Member<T>, reason: unknown): void {
    const at = this.waiting.indexOf(member);
    if (at === -1) return;
    this.waiting.splice(at, 1);
    member.reject(reason);
  }

  private flush(): void {
    clearTimeout(this.flushTimer);
    clearTimeout(this.quietTimer);
    this.flushTimer = undefined;
    this.quietTimer = undefined;
    const members = this.waiting;
    if (members.length === 0) return;
    this.waiting = [];
    // Not in the context of one of its jobs, which would sign what is said of all.
    void withLogContext({ correlationId: correlationId(), queue: this.queue }, () => this.run(members));
  }

  private async run(members: readonly Member<T>[]): Promise<void> {
    const controller = new AbortController();
    let left = members.length;
    const onInterrupted = (reason: unknown) => {
      left -= 1;
      if (left === 0) controller.abort(reason);
    };
    for (const { attempt } of members) attempt.listen(onInterrupted);
    const results = await this.results(
      members.map(({ job }) => job),
      controller.signal,
    );
    members.forEach(({ attempt, resolve, reject }, at) => {
      attempt.listen(undefined);
      const result = results[at];
      if (result instanceof Error) reject(result);
      else resolve(result);
    });
  }

  /** A job that spoils its batch is found by halves, so that it fails alone. */
  private async results(jobs: readonly Job<T>[], signal: AbortSignal): Promise<readonly unknown[]> {
    try {
      const results = await this.handler(jobs, signal);
      if (results.length === jobs.length) return results;
      throw new WholeBatchError(`The batch gave ${results.length} results for ${jobs.length} jobs.`);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      if (jobs.length === 1 || error instanceof WholeBatchError || signal.aborted)
        return jobs.map(() => error);
      const half = Math.ceil(jobs.length / 2);
      const first = await this.results(jobs.slice(0, half), signal);
      return [...first, ...(await this.results(jobs.slice(half), signal))];
    }
  }
}
