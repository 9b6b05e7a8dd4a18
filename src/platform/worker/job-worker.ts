import {
  raw2NextJobData,
  Worker,
  type Job,
  type JobJson,
  type RedisQueueBackend,
  type WorkerOptions,
} from 'bullmq';
import { deferredFailures } from '../queue/admission';
import { CorruptPayload } from '../queue/corrupt-payload';
import { letteredJobsKey } from '../queue/dead-letter-name';
import type { QueueDefinition } from '../queue/define-queue';
import type { JobConsumer } from '../queue/job-consumer';
import { LockLostError } from '../queue/job-interruption';
import { jobPermit } from '../key-limits/job-permit';
import type { KeyDispenser } from '../key-limits/key-dispenser';
import { TakenJobs } from '../key-limits/taken-fields';
import { noteJobStart } from '../process-memory/young-generation';
import { HoldfastJob } from './holdfast-job';
import { JobGatherer, type KeyedGathering, type TakenJob } from './job-gatherer';

/** One start of a job, in a place of its worker. */
interface Run {
  readonly job: Job;
  readonly token: string;
  /** Whether the place may have a successor. */
  fetchNext(): boolean;
  /** Gives the place back. */
  leave(): void;
  /** Called when it has ended: another start of the same job waits for it. */
  onEnd?: (() => void) | undefined;
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

/** BullMQ's worker, with the cases handled that it leaves open: unreadable payloads, lost locks, two runs of one job. */
export class JobWorker extends Worker {
  private readonly runs = new Map<string, Run>();
  private readonly taken: TakenJobs | undefined;
  private readonly gatherer: JobGatherer | undefined;

  constructor(
    private readonly consumer: JobConsumer<QueueDefinition>,
    options: WorkerOptions,
    private readonly dispenser?: KeyDispenser,
    kept?: number,
  ) {
    super(consumer.definition.name, (job: Job, token?: string) => consumer.process(job, token), options);
    const { lockDuration, name } = this.opts;
    const backend = this.getBackend();
    this.taken = dispenser === undefined ? undefined : new TakenJobs(backend);
    this.gatherer = JobGatherer.install(backend, options.connection as never, {
      ...options,
      lockDuration: lockDuration!,
      name: name ?? '',
      freeSlots: () => this.freeSlots(),
      giveBack: (taken) => void this.giveBack(taken),
      kept,
      lettered: letteredJobsKey(options.prefix ?? '', this.name),
      keyed: this.keyedGathering(),
    });
  }

  /** A zombie must hear that its lock is gone before its next effect, not when it has finished. */
  override async extendJobLocks(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    const lost = await super.extendJobLocks(jobIds, tokens, duration);
    for (const id of lost) this.consumer.interrupt(id, new LockLostError(), tokens[jobIds.indexOf(id)]);
    return lost;
  }

  /**
   * Runs a job and, in its place, one successor after the other; resolves when an end brings none. Never rejects.
   * BullMQ's own way from one job to the next takes more promises than everything else that a small job needs, so that it
   * is taken only where something goes wrong.
   */
  override processJob(job: Job, token: string, fetchNext = () => true): Promise<void> {
    return new Promise((leave) => this.start({ job, token, fetchNext, leave }));
  }

  private start(run: Run): void {
    noteJobStart();
    const { job, token } = run;
    const { id = '' } = job;
    if (job.deferredFailure) {
      deferredFailures.set(job, job.deferredFailure);
      job.deferredFailure = '';
    }
    const before = this.runs.get(id);
    this.runs.set(id, run);
    this.dispenser?.started(job);
    this.lockManager.trackJob(id, token, job.processedOn ?? 0);
    if (before === undefined) {
      this.work(run);
      return;
    }
    // There is one entry for a job and its lock, which the end of the zombie takes.
    before.onEnd = () => {
      this.lockManager.trackJob(id, token, Date.now());
      this.work(run);
    };
    this.consumer.interrupt(id, new LockLostError());
  }

  private work(run: Run): void {
    try {
      this.consumer.process(run.job, run.token).then(
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
    const { job, fetchNext, leave } = run;
    const { id = '' } = job;
    this.lockManager.untrackJob(id);
    this.dispenser?.ended(job);
    if (this.runs.get(id) === run) this.runs.delete(id);
    run.onEnd?.();
    if (next === undefined) leave();
    else this.start({ job: next, token: next.token ?? run.token, fetchNext, leave });
  }

  /** A job that was taken with others has a lock of its own. */
  protected override nextJobFromJobData(
    data?: JobJson,
    id?: string,
    token?: string,
  ): ReturnType<Worker['getNextJob']> {
    const own = id === undefined ? undefined : this.gatherer?.takeToken(id);
    return Promise.resolve(this.nextOf(data, id, own ?? token)) as ReturnType<Worker['getNextJob']>;
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

  private async giveBack({ answer, token }: TakenJob): Promise<void> {
    this.taken?.keep(answer);
    const [data, id] = raw2NextJobData(answer);
    try {
      const job = this.createJob(data as JobJson, String(id));
      await job.moveToWait(token);
      this.dispenser?.ended(job);
    } catch {
      // It starts again when it is found without a lock.
    }
  }

  private freeSlots(): number {
    const { mainLoopQueue } = this.internals;
    return mainLoopQueue == null ? 0 : this.concurrency - mainLoopQueue.numTotal();
  }

  private get internals(): Internals {
    return this as unknown as Internals;
  }

  private keyedGathering(): KeyedGathering | undefined {
    const { dispenser, taken } = this;
    if (dispenser === undefined || taken === undefined) return undefined;
    return {
      scriptArguments: dispenser.scriptArguments,
      onTaken: (answer) => taken.keep(answer),
      onReleased: (job) => dispenser.released(job as Job),
      onHeld: () => dispenser.nudge(),
    };
  }

  protected override get Job(): typeof Job {
    return HoldfastJob as unknown as typeof Job;
  }

  protected override createJob(json: JobJson, jobId: string): Job {
    const job = this.readableJob(json, jobId);
    if (this.taken !== undefined) {
      const permit = jobPermit(this.consumer.definition, this.taken.take(jobId), job);
      this.dispenser?.meet(job, permit);
    }
    return job;
  }

  /** Text that is not JSON throws here in BullMQ, and the job stays active for ever. */
  private readableJob(json: JobJson, jobId: string): Job {
    try {
      return super.createJob(json, jobId);
    } catch (error) {
      const job = super.createJob({ ...json, data: '{}' }, jobId);
      job.data = new CorruptPayload(json.data, String(error).slice(0, 200));
      return job;
    }
  }
}
