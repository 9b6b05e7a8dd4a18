import { Worker, type Job, type JobJson, type RedisQueueBackend } from 'bullmq';

/** One start of a job, in a place of its worker. */
export interface Run {
  readonly job: Job;
  readonly token: string;
  /** Whether the place may have a successor. */
  fetchNext(): boolean;
  /** Gives the place back. */
  leave(): void;
}

type NextJob = Awaited<ReturnType<Worker['getNextJob']>> | undefined;
type Completed = Awaited<ReturnType<RedisQueueBackend['moveToCompleted']>>;

/** What BullMQ's worker keeps to itself. */
interface Internals {
  drained: boolean;
  /** Undefined while nobody has started the loop that takes one job after the other. */
  readonly mainLoopQueue?: { numTotal(): number } | null;
  updateDelays(limitMs?: number, until?: number): void;
  /** Tries again as long as Redis is away; other errors are told, and thrown unless they are only to be told. */
  retryIfFailed<T>(
    work: () => Promise<T>,
    options: { readonly delayInMs: number | undefined; readonly onlyEmitError?: boolean },
  ): Promise<T | undefined>;
}

/**
 * BullMQ's worker, whose places go from one job to the next by themselves. BullMQ's own way there takes more promises than
 * everything else that a small job needs, so that it is taken only where something goes wrong.
 */
export abstract class SuccessiveWorker extends Worker {
  /** Runs a job and, in its place, one successor after the other; resolves when an end brings none. Never rejects. */
  override processJob(job: Job, token: string, fetchNext = () => true): Promise<void> {
    return new Promise((leave) => this.start({ job, token, fetchNext, leave }));
  }

  /** How many more jobs may begin at this moment; 0 while the worker does not run. */
  protected freePlaces(): number {
    const { mainLoopQueue } = this.internals;
    return mainLoopQueue == null ? 0 : this.concurrency - mainLoopQueue.numTotal();
  }

  protected start(run: Run): void {
    const { job, token } = run;
    this.lockManager.trackJob(job.id ?? '', token, job.processedOn ?? 0);
    this.work(run);
  }

  /** Hears of each start that is over, before its place has a successor. */
  protected abstract ended(run: Run): void;

  protected work(run: Run): void {
    try {
      this.callProcessJob(run.job, run.token).then(
        (result) => this.complete(run, result),
        (error: Error) => this.fail(run, error),
      );
    } catch (error) {
      this.fail(run, error as Error);
    }
  }

  private complete(run: Run, result: unknown): void {
    const { job, token, fetchNext } = run;
    const backend = this.getBackend();
    if (backend.closing) {
      this.end(run, undefined);
      return;
    }
    this.lockManager.untrackJob(job.id ?? '');
    job.returnvalue = result;
    const wantsNext = fetchNext() && !this.closing && !this.paused;
    backend.moveToCompleted(job, result, job.opts.removeOnComplete as never, token, wantsNext).then(
      (ended) => this.completed(run, ended),
      (error: Error) => this.completeAgain(run, result, error),
    );
  }

  private completed(run: Run, { result: answer, finishedOn }: Completed): void {
    const { job } = run;
    job.finishedOn = finishedOn;
    job.attemptsMade += 1;
    this.emit('completed', job, job.returnvalue, 'active');
    this.follow(run, answer);
  }

  private completeAgain(run: Run, result: unknown, firstError: Error): void {
    const { job, token, fetchNext } = run;
    let error: Error | undefined = firstError;
    const complete = () => {
      if (error === undefined) return this.handleCompleted(result, job, token, fetchNext);
      const first = error;
      error = undefined;
      return Promise.reject(first);
    };
    this.internals.retryIfFailed(complete, { delayInMs: this.opts.runRetryDelay }).then(
      (next) => this.end(run, next),
      (last: Error) => this.fail(run, last),
    );
  }

  private fail(run: Run, error: Error): void {
    const { job, token, fetchNext } = run;
    const fail = () => {
      this.lockManager.untrackJob(job.id ?? '');
      return this.handleFailed(error, job, token, fetchNext);
    };
    this.internals.retryIfFailed(fail, { delayInMs: this.opts.runRetryDelay, onlyEmitError: true }).then(
      (next) => this.end(run, next),
      () => this.end(run, undefined),
    );
  }

  /** The end of a job has been stored; the answer may bring the next. */
  private follow(run: Run, answer: unknown): void {
    try {
      const [data, id, limitMs, until] = answer as [JobJson?, string?, number?, number?];
      this.internals.updateDelays(limitMs, until);
      const next = this.nextOf(data, id, run.token);
      if (!(next instanceof Promise)) this.end(run, next);
      else
        next.then(
          (one) => this.end(run, one),
          (error: Error) => this.endWith(run, error),
        );
    } catch (error) {
      this.endWith(run, error as Error);
    }
  }

  /** The next job could not be made; it starts again when it is found without a lock. */
  private endWith(run: Run, error: Error): void {
    this.emit('error', error);
    this.end(run, undefined);
  }

  private end(run: Run, next: NextJob): void {
    const { job, token, fetchNext, leave } = run;
    this.lockManager.untrackJob(job.id ?? '');
    this.ended(run);
    if (next === undefined) leave();
    else this.start({ job: next, token: next.token ?? token, fetchNext, leave });
  }

  protected override nextJobFromJobData(
    data?: JobJson,
    id?: string,
    token?: string,
  ): ReturnType<Worker['getNextJob']> {
    return Promise.resolve(this.nextOf(data, id, token)) as ReturnType<Worker['getNextJob']>;
  }

  /** A promise only where BullMQ has to schedule the job after it. */
  private nextOf(data: JobJson | undefined, id = '', token?: string): NextJob | Promise<NextJob> {
    const isScheduled = data?.repeatJobKey !== undefined || data?.opts.repeatJobKey !== undefined;
    if (!data || isScheduled) return super.nextJobFromJobData(data, id, token);
    this.internals.drained = false;
    const job = this.createJob(data, id);
    job.token = token;
    this.emit('active', job, 'waiting');
    return job;
  }

  private get internals(): Internals {
    return this as unknown as Internals;
  }
}
