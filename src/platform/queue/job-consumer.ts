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
  /** Whether a line is logged for each start and each end; unless given, it is. */
  readonly saysEachJob?: boolean;
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

  // A promise costs a small job about a hundredth of its time, and an await two: here is no more than it takes.
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

  private run(attempt: Attempt): Promise<unknown> {
    const { job } = attempt;
    const { definition, equipment } = this;
    this.activeAttempts.set(job.id ?? '', attempt);
    if (this.saysEachJob) {
      this.logger.log({
        msg: `Processing job ${job.id} from queue ${job.queueName}`,
        type: job.name,
        attempt: job.attemptsMade + 1,
      });
    }
    const ended =
      equipment === undefined || isPlainStart(job)
        ? this.runHandler(attempt)
        : admit(job, definition, equipment.log).then(() => this.runHandler(attempt));
    return ended.then(
      (result) => this.completed(attempt, result),
      (thrown: unknown) => this.failed(attempt, thrown),
    );
  }

  private completed(attempt: Attempt, result: unknown): unknown {
    const { job } = attempt;
    let kept: unknown;
    try {
      kept = boundedResult(result);
    } catch (error) {
      return this.failed(attempt, error);
    }
    this.forget(attempt);
    if (this.saysEachJob) {
      this.logger.log({
        msg: `✅ Job ${job.id} completed successfully`,
        type: job.name,
        attempt: job.attemptsMade + 1,
        durationMs: attempt.ageMs,
      });
    }
    return kept;
  }

  private async failed(attempt: Attempt, thrown: unknown): Promise<never> {
    const { definition, logger, equipment } = this;
    const { job } = attempt;
    try {
      const verdict = judge(thrown, job, attempt.signal, declaredJob(definition, job.name));
      const ending = new AttemptEnding(definition, logger, equipment?.log, equipment?.onUnfinished);
      throw await ending.carryOut(verdict, attempt);
    } finally {
      this.forget(attempt);
    }
  }

  private forget(attempt: Attempt): void {
    const { id = '' } = attempt.job;
    if (this.activeAttempts.get(id) === attempt) this.activeAttempts.delete(id);
  }

  private get saysEachJob(): boolean {
    return this.equipment?.saysEachJob !== false;
  }

  private runHandler(attempt: Attempt): Promise<unknown> {
    const { id, name } = attempt.job;
    const declared = declaredJob(this.definition, name);
    return attempt.supervise(
      {
        begin: () => this.handle(attempt, declared),
        settle: (result) => this.settle(attempt.job, result),
      },
      {
        timeoutMs: originOf(attempt.job).timeoutMs ?? declared?.timeoutMs,
        onAbandoned: () =>
          this.logger.error({ msg: `Job ${id} ignores its abort signal and is left alone`, type: name }),
        onLate: (lateMs) =>
          this.logger.warn({ msg: `Job ${id} ended after it was left alone; that does not count`, lateMs }),
      },
    );
  }

  private handle(attempt: Attempt, declared: JobDefinition | undefined): Promise<unknown> {
    const { job } = attempt;
    const handler = this.handlers[job.name as JobName<Q>];
    if (handler === undefined || declared === undefined) {
      throw new UnrecoverableError(`no handler for job "${job.name}" on queue "${job.queueName}"`);
    }
    const work = () =>
      handler instanceof JobBatcher ? handler.add(job, attempt) : handler(job, attempt.signal);
    const ready = this.prepare(job, declared);
    return ready === undefined ? work() : ready.then(work);
  }

  /** Undefined where nothing has to be waited for. */
  private prepare(job: Job, declared: JobDefinition, from = 0): Promise<void> | undefined {
    const steps = this.equipment?.steps ?? [];
    for (let at = from; at < steps.length; at += 1) {
      const step = steps[at]!;
      if (step.prepare === undefined) continue;
      const prepared = step.prepare(job, this.definition);
      if (prepared instanceof Promise) {
        return prepared.then((data: unknown) => {
          job.data = data;
          return this.prepare(job, declared, at + 1);
        });
      }
      job.data = prepared;
    }
    return isSurelyValid(declared.payload, job.data) ? undefined : this.refuseInvalid(job, declared);
  }

  /** What the steps make of a result; a promise where one of them has to wait. */
  private settle(job: Job, result: unknown, from = 0): unknown {
    const steps = this.equipment?.steps ?? [];
    let settled = result;
    for (let at = from; at < steps.length; at += 1) {
      const step = steps[at]!;
      if (step.settle === undefined) continue;
      settled = step.settle(job, this.definition, settled);
      if (settled instanceof Promise) return settled.then((one: unknown) => this.settle(job, one, at + 1));
    }
    return settled;
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
