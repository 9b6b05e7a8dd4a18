import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import type { StartGate } from '../queue/start-gate';
import type { JobPermit } from './job-permit';
import type { LimitedQueue } from './permit-calls';
import { MAX_PER_CALL } from './permit-state-script';

type Reply = readonly [letIn: number, nextMs: number, hasMore: number, isFull: number, isAnyKept: number];

// Hints may be lost, and whoever resumes a queue sends none.
const LOOK_EVERY_MS = 1_000;
const ERROR_LOG_INTERVAL_MS = 10_000;
/** So many jobs for each that can run are ready: the next is there when one ends, and a new key does not wait long. */
const READY_PER_SLOT = 2;
// While enough jobs are ready, notes are gathered until half of those are gone, or for this long.
const GATHER_MS = 5;

// On the job itself: a map that is weak in its jobs costs the collection of garbage more than all the rest.
const PERMIT = Symbol('permit');
type TakenJob = Job & { [PERMIT]?: JobPermit | undefined };

/**
 * Lets the held jobs of one queue in, for one worker: while there are any, whenever jobs of it start or end, all of one
 * turn of the loop in one call; when a key's next token is due; when somebody has held a job; and once a second. Any
 * number of workers may do so at the same time.
 */
export class KeyDispenser implements StartGate {
  private readonly logger = new Logger('KeyLimits');
  private ends: (readonly [id: string, start: number])[] = [];
  private starts = new Map<string, number>();
  private isScheduled = false;
  /** How many more jobs may start before the ready ones run low. */
  private spare = 0;
  /** Whether any key had to wait when it was last looked. */
  private isAnyKept = true;
  private gathering?: NodeJS.Timeout | undefined;
  private inFlight?: Promise<void> | undefined;
  private isWanted = false;
  private timer?: NodeJS.Timeout | undefined;
  private isRunning = false;
  private lastLoggedAt = 0;

  constructor(
    private readonly queue: LimitedQueue,
    private readonly name: string,
    private readonly concurrency: number,
  ) {}

  /** What the script that ends jobs has to know of the queue. */
  get scriptArguments(): readonly (string | number)[] {
    return this.queue.scriptArguments;
  }

  /** From now on held jobs are let in. */
  start(): void {
    this.isRunning = true;
    this.nudge();
  }

  /** Lets nothing in any more; what ends is still noted. */
  pause(): void {
    this.isRunning = false;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Resolves when everything is noted that has ended, or Redis refuses to take note. */
  async stop(): Promise<void> {
    this.pause();
    while (this.inFlight !== undefined) await this.inFlight;
    if (this.ends.length > 0 || this.starts.size > 0) await this.call();
  }

  /** There may be something to let in. */
  nudge(): void {
    this.isWanted = true;
    this.schedule();
  }

  /** Lets in what may start now, without a worker that runs. */
  async once(): Promise<void> {
    await this.inFlight;
    await this.queue.dispense([1, 0]);
  }

  /** Tells what is known of a job that was taken. */
  meet(job: Job, permit: JobPermit): void {
    (job as TakenJob)[PERMIT] = permit;
  }

  isLetIn(job: Job): boolean {
    const permit = (job as TakenJob)[PERMIT];
    return permit === undefined || permit.isLetIn || permit.key === undefined;
  }

  async letIn(job: Job, token = ''): Promise<boolean> {
    const { key = '' } = (job as TakenJob)[PERMIT] ?? {};
    const answer = await this.queue.admit([job.id ?? '', token, key]);
    // A job that somebody else has is found out by its consumer.
    if (answer !== 0) return true;
    // It has no permit that its end could give back, and may have the next one already.
    (job as TakenJob)[PERMIT] = undefined;
    return false;
  }

  started(job: Job): void {
    const { key, isCounted } = (job as TakenJob)[PERMIT] ?? {};
    if (isCounted === true && key !== undefined) this.starts.set(key, (this.starts.get(key) ?? 0) + 1);
    this.spare -= 1;
    this.gather();
  }

  /** The permit of the job was given back with its end. */
  released(job: Job): void {
    (job as TakenJob)[PERMIT] = undefined;
  }

  ended(job: Job): void {
    if ((job as TakenJob)[PERMIT]?.key !== undefined) this.ends.push([job.id ?? '', job.attemptsStarted]);
    this.gather();
  }

  private gather(): void {
    if (!this.isAnyKept && this.ends.length === 0 && this.starts.size === 0) return;
    if (this.spare <= 0 || this.ends.length >= MAX_PER_CALL) this.nudge();
    else this.gathering ??= setTimeout(() => this.nudge(), GATHER_MS);
  }

  private schedule(): void {
    if (this.isScheduled || this.inFlight !== undefined) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      if (this.inFlight !== undefined) return;
      this.inFlight = this.call().finally(() => {
        this.inFlight = undefined;
        if (this.isWanted) this.schedule();
      });
    });
  }

  private async call(): Promise<void> {
    this.isWanted = false;
    clearTimeout(this.gathering);
    this.gathering = undefined;
    const ends = this.ends.splice(0, MAX_PER_CALL);
    const starts = [...this.starts].slice(0, MAX_PER_CALL);
    starts.forEach(([key]) => this.starts.delete(key));
    const target = this.isRunning ? this.concurrency * READY_PER_SLOT : 0;
    try {
      const args = [target, ends.length, ...ends.flat(), ...starts.flat()];
      const [, nextMs, hasMore, isFull, isAnyKept] = (await this.queue.dispense(args)) as Reply;
      this.spare = isFull === 1 && this.isRunning ? this.concurrency : 0;
      this.isAnyKept = isAnyKept === 1;
      if (hasMore === 1) this.isWanted = true;
      else if (this.ends.length > 0 || this.starts.size > 0) this.gather();
      this.lookIn(nextMs < 0 ? LOOK_EVERY_MS : Math.min(nextMs, LOOK_EVERY_MS));
    } catch (error) {
      // An end that is noted twice is one end; starts are counted anew by the reconciler.
      this.ends.push(...ends);
      this.lookIn(LOOK_EVERY_MS);
      this.logFailure(error);
    }
  }

  private lookIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.isRunning) return;
    this.timer = setTimeout(() => this.nudge(), Math.max(1, ms));
    this.timer.unref();
  }

  private logFailure(error: unknown): void {
    const now = Date.now();
    if (now - this.lastLoggedAt < ERROR_LOG_INTERVAL_MS) return;
    this.lastLoggedAt = now;
    this.logger.warn({
      msg: `Held jobs could not be let in, which is tried again: ${String(error).slice(0, 300)}`,
      queue: this.name,
    });
  }
}
