import { raw2NextJobData, type Job, type JobJson, type Worker, type WorkerOptions } from 'bullmq';
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
import { SuccessiveWorker, type Run } from './successive-worker';

/** BullMQ's worker, with the cases handled that it leaves open: unreadable payloads, lost locks, two runs of one job. */
export class JobWorker extends SuccessiveWorker {
  /** Of each job the newest start that has not ended. */
  private readonly newest = new Map<string, Run>();
  /** Of a zombie: the start of the same job that waits for its end. */
  private readonly behind = new Map<Run, Run>();
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
      freeSlots: () => this.freePlaces(),
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

  protected override start(run: Run): void {
    noteJobStart();
    const { job, token } = run;
    const { id = '' } = job;
    if (job.deferredFailure) {
      deferredFailures.set(job, job.deferredFailure);
      job.deferredFailure = '';
    }
    const before = this.newest.get(id);
    this.newest.set(id, run);
    this.dispenser?.started(job);
    if (before === undefined) {
      super.start(run);
      return;
    }
    // There is one entry for a job and its lock, which the end of the zombie takes.
    this.lockManager.trackJob(id, token, Date.now());
    this.behind.set(before, run);
    this.consumer.interrupt(id, new LockLostError());
  }

  protected override ended(run: Run): void {
    const { job } = run;
    const { id = '' } = job;
    this.dispenser?.ended(job);
    if (this.newest.get(id) === run) this.newest.delete(id);
    const next = this.behind.get(run);
    if (next === undefined) return;
    this.behind.delete(run);
    super.start(next);
  }

  /** A job that was taken with others has a lock of its own. */
  protected override nextJobFromJobData(
    data?: JobJson,
    id?: string,
    token?: string,
  ): ReturnType<Worker['getNextJob']> {
    const own = id === undefined ? undefined : this.gatherer?.takeToken(id);
    return super.nextJobFromJobData(data, id, own ?? token);
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
