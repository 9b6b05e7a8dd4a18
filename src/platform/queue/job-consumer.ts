import { WorkerHost } from '@nestjs/bullmq';
import { Logger } from '@nestjs/common';
import { UnrecoverableError, WaitingError, type Job } from 'bullmq';
import { withLogContext } from '../logging/correlation';
import { originOf } from './add-job';
import { admit, isPlainStart } from './admission';
import { Attempt } from './attempt';
import { AttemptEnding } from './attempt-ending';
import type { AttemptLog } from './attempt-log.service';
import { judge } from './attempt-verdict';
import { JobDeathError } from './death-cause';
import {
  declaredJob,
  type JobDefinition,
  type JobName,
  type JobPayload,
  type QueueDefinition,
} from './define-queue';
import { JobBatcher, type BatchHandler, type BatchLimits } from './job-batcher';
import { boundedResult } from './job-outcome';
import { checkPayload, isSurelyValid, PayloadInvalidError } from './job-payload';
import type { JobStep } from './job-step';
import type { StartGate } from './start-gate';

/** What does the jobs of each type: one by one, or many together. */
export type JobHandlers<Q extends QueueDefinition> = {
  [N in JobName<Q>]:
    ((job: Job<JobPayload<Q, N>>, signal: AbortSignal) => Promise<unknown>) | JobBatcher<JobPayload<Q, N>>;
};

/** What the worker that is built for a queue gives its consumer; without it nothing is recorded. */
export interface ConsumerEquipment {
  readonly steps: readonly JobStep[];
  readonly log: AttemptLog;
  /** Of a queue whose jobs are done in batches. */
  readonly batch?: BatchLimits;
  /** Of a queue with limits per key. */
  readonly gate?: StartGate;
  /** Hears of attempts that neither complete nor fail, which BullMQ tells nobody. */
  readonly onUnfinished?: (job: Job, how: 'returned' | 'lost') => void;
}

/**
 * Dispatches each job to the handler named after it; what can never succeed is never retried,
 * and what a stopping worker has to cut off goes back to its queue unharmed.
 */
export abstract class JobConsumer<Q extends QueueDefinition> extends WorkerHost {
  private readonly logger: Logger;
  private readonly activeAttempts = new Map<string, Attempt>();
  private equipment?: ConsumerEquipment;

  protected constructor(readonly definition: Q) {
    super();
    this.logger = new Logger(definition.name);
  }

  protected abstract readonly handlers: JobHandlers<Q>;

  /** How many handlers this process is running for the queue. */
  get activeJobs(): number {
    return [...this.activeAttempts.values()].filter(({ isSupervised }) => isSupervised).length;
  }

  equip(equipment: ConsumerEquipment): void {
    this.equipment = equipment;
  }

  /** A handler for `handlers` whose jobs are done together, as many as the queue's `batch` says. */
  protected inBatches<T extends object>(handler: BatchHandler<T>): JobBatcher<T> {
    return new JobBatcher<T>(this.definition.name, handler, () => this.batchLimits());
  }

  /** From now on no batch waits for further jobs. */
  hurryBatches(): void {
    for (const handler of Object.values<unknown>(this.handlers)) {
      if (handler instanceof JobBatcher) handler.hurry();
    }
  }

  private batchLimits(): BatchLimits {
    const { batch } = this.equipment ?? {};
    if (batch === undefined) throw new Error(`Queue "${this.definition.name}" declares no batch.`);
    return batch;
  }

  /** The ids of the jobs that are being worked here. */
  activeIds(): readonly string[] {
    return [...this.activeAttempts.keys()];
  }

  /** Fires the signal of a job that is being worked here, with a token only of that very start. */
  interrupt(id: string, reason: unknown, token?: string): boolean {
    const attempt = this.activeAttempts.get(id);
    if (attempt === undefined || (token !== undefined && attempt.token !== token)) return false;
    attempt.interrupt(reason);
    return true;
  }

  interruptAll(reason: unknown): void {
    for (const attempt of this.activeAttempts.values()) attempt.interrupt(reason);
  }

  // Every promise on the way of a job costs about a hundredth of what BullMQ needs for it: here are no more than it takes.
  process(job: Job, token?: string): Promise<unknown> {
    const { id = '' } = job;
    const { correlationId } = originOf(job);
    const context = { correlationId, queue: this.definition.name, jobId: id };
    const gate = this.equipment?.gate;
    if (gate !== undefined && !gate.isLetIn(job)) {
      return withLogContext(context, () => this.runIfLetIn(gate, job, token));
    }
    return withLogContext(context, () => this.run(new Attempt(job, token)));
  }

  /** A job that is not let in has moved back to wait already, and its start has not been one. */
  private async runIfLetIn(gate: StartGate, job: Job, token: string | undefined): Promise<unknown> {
    let isLetIn: boolean;
    try {
      isLetIn = await gate.letIn(job, token);
    } catch (error) {
      // Nobody has moved it: it starts again when it is found without a lock.
      this.logger.error({
        msg: `Job ${job.id} could not ask for its key and starts later: ${String(error).slice(0, 300)}`,
        type: job.name,
      });
      isLetIn = false;
    }
    if (isLetIn) return this.run(new Attempt(job, token));
    this.equipment?.onUnfinished?.(job, 'returned');
    throw new WaitingError();
  }

  private async run(attempt: Attempt): Promise<unknown> {
    const { job } = attempt;
    const { id = '' } = job;
    this.activeAttempts.set(id, attempt);
    this.logger.log({
      msg: `Processing job ${job.id} from queue ${job.queueName}`,
      type: job.name,
      attempt: job.attemptsMade + 1,
    });
    const { definition, logger, equipment } = this;
    try {
      if (equipment !== undefined && !isPlainStart(job)) await admit(job, definition, equipment.log);
      const result = boundedResult(await this.runHandler(attempt));
      logger.log({
        msg: `✅ Job ${job.id} completed successfully`,
        type: job.name,
        attempt: job.attemptsMade + 1,
        durationMs: attempt.ageMs,
      });
      return result;
    } catch (thrown) {
      const verdict = judge(thrown, job, attempt.signal, declaredJob(definition, job.name));
      const ending = new AttemptEnding(definition, logger, equipment?.log, equipment?.onUnfinished);
      throw await ending.carryOut(verdict, attempt);
    } finally {
      if (this.activeAttempts.get(id) === attempt) this.activeAttempts.delete(id);
    }
  }

  private runHandler(attempt: Attempt): Promise<unknown> {
    const { id, name } = attempt.job;
    const declared = declaredJob(this.definition, name);
    return attempt.supervise(() => this.handle(attempt, declared), {
      timeoutMs: originOf(attempt.job).timeoutMs ?? declared?.timeoutMs,
      onAbandoned: () =>
        this.logger.error({ msg: `Job ${id} ignores its abort signal and is left alone`, type: name }),
      onLate: (lateMs) =>
        this.logger.warn({ msg: `Job ${id} ended after it was left alone; that does not count`, lateMs }),
    });
  }

  private async handle(attempt: Attempt, declared: JobDefinition | undefined): Promise<unknown> {
    const { job } = attempt;
    const { handlers, definition } = this;
    const steps = this.equipment?.steps ?? [];
    const handler = handlers[job.name as JobName<Q>];
    if (handler === undefined || declared === undefined) {
      throw new UnrecoverableError(`no handler for job "${job.name}" on queue "${job.queueName}"`);
    }
    for (const step of steps) {
      const prepared = step.prepare?.(job, definition);
      if (step.prepare !== undefined) job.data = prepared instanceof Promise ? await prepared : prepared;
    }
    if (!isSurelyValid(declared.payload, job.data)) await this.refuseInvalid(job, declared);
    let result = await (handler instanceof JobBatcher
      ? handler.add(job, attempt)
      : handler(job, attempt.signal));
    for (const step of steps) {
      if (step.settle === undefined) continue;
      const settled = step.settle(job, definition, result);
      result = settled instanceof Promise ? await settled : settled;
    }
    return result;
  }

  private async refuseInvalid(job: Job, { payload }: JobDefinition): Promise<void> {
    try {
      await checkPayload(job.name, payload, job.data);
    } catch (error) {
      if (error instanceof PayloadInvalidError) throw new JobDeathError('contract_refused', error.message);
      throw error;
    }
  }
}
