import { raw2NextJobData, Worker, type Job, type JobJson, type WorkerOptions } from 'bullmq';
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

/** BullMQ's worker, with the cases handled that it leaves open: unreadable payloads, lost locks, two runs of one job. */
export class JobWorker extends Worker {
  private readonly runs = new Map<string, Promise<unknown>>();
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

  /** BullMQ keeps one entry per job and process for its lock, which the end of a zombie would take from its successor. */
  override processJob(job: Job, token: string, fetchNext?: () => boolean): Promise<void | Job> {
    noteJobStart();
    const { id = '' } = job;
    if (job.deferredFailure) {
      deferredFailures.set(job, job.deferredFailure);
      job.deferredFailure = '';
    }
    const before = this.runs.get(id);
    const run =
      before === undefined
        ? super.processJob(job, token, fetchNext)
        : this.takeOver(before, job, token, fetchNext);
    this.runs.set(id, run);
    this.dispenser?.started(job);
    const forget = () => {
      this.dispenser?.ended(job);
      if (this.runs.get(id) === run) this.runs.delete(id);
    };
    run.then(forget, forget);
    return run;
  }

  /** A job that was taken with others has a lock of its own. */
  protected override nextJobFromJobData(
    data?: JobJson,
    id?: string,
    token?: string,
  ): ReturnType<Worker['getNextJob']> {
    return super.nextJobFromJobData(
      data,
      id,
      (id === undefined ? undefined : this.gatherer?.takeToken(id)) ?? token,
    );
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

  /** 0 while nobody has started the loop that takes one job after the other. */
  private freeSlots(): number {
    const { mainLoopQueue } = this as unknown as { readonly mainLoopQueue?: { numTotal(): number } | null };
    return mainLoopQueue == null ? 0 : this.concurrency - mainLoopQueue.numTotal();
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

  private async takeOver(
    before: Promise<unknown>,
    job: Job,
    token: string,
    fetchNext?: () => boolean,
  ): Promise<void | Job> {
    const { id = '' } = job;
    this.lockManager.trackJob(id, token, Date.now());
    this.consumer.interrupt(id, new LockLostError());
    await before.catch(() => undefined);
    return super.processJob(job, token, fetchNext);
  }
}
