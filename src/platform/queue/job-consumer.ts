import { WorkerHost } from '@nestjs/bullmq';
import { Logger } from '@nestjs/common';
import { DelayedError, UnrecoverableError, WaitingError, type Job } from 'bullmq';
import { withLogContext } from '../logging/correlation';
import { originOf } from './add-job';
import { declaredJob, type JobName, type JobPayload, type QueueDefinition } from './define-queue';
import { boundedError, boundedResult } from './job-outcome';
import { checkPayload, PayloadInvalidError } from './job-payload';
import { JobReturnedError, type JobStep } from './job-step';

export type JobHandlers<Q extends QueueDefinition> = {
  [N in JobName<Q>]: (job: Job<JobPayload<Q, N>>, signal: AbortSignal) => Promise<unknown>;
};

/** The reason of an abort that must not cost the job an attempt: its worker is stopping. */
export const SHUTDOWN_REASON = 'worker is shutting down';

/**
 * Dispatches each job to the handler named after it; what can never succeed is never retried,
 * and what a stopping worker has to cut off goes back to its queue unharmed.
 */
export abstract class JobConsumer<Q extends QueueDefinition> extends WorkerHost {
  private readonly logger: Logger;

  protected constructor(readonly definition: Q) {
    super();
    this.logger = new Logger(definition.name);
  }

  protected abstract readonly handlers: JobHandlers<Q>;

  /** What the platform does around each handler; given by the worker that is built for the queue. */
  steps: readonly JobStep[] = [];

  /** How many jobs this process is working on for the queue. */
  activeJobs = 0;

  // BullMQ hands out an abort signal only to a function that declares three parameters.
  async process(job: Job, token?: string, signal?: AbortSignal): Promise<unknown> {
    const { correlationId } = originOf(job);
    const context = {
      correlationId,
      queue: this.definition.name,
      ...(job.id !== undefined && { jobId: job.id }),
    };
    this.activeJobs += 1;
    try {
      return await withLogContext(context, () =>
        this.run(job, token, signal ?? new AbortController().signal),
      );
    } finally {
      this.activeJobs -= 1;
    }
  }

  private async run(job: Job, token: string | undefined, signal: AbortSignal): Promise<unknown> {
    const startedAt = performance.now();
    const attempt = job.attemptsMade + 1;
    this.logger.log({ msg: `Processing job ${job.id} from queue ${job.queueName}`, type: job.name, attempt });
    try {
      const result = boundedResult(await this.handle(job, signal));
      this.logger.log({
        msg: `✅ Job ${job.id} completed successfully`,
        type: job.name,
        attempt,
        ...took(startedAt),
      });
      return result;
    } catch (thrown) {
      if (signal.aborted && signal.reason === SHUTDOWN_REASON && token !== undefined) {
        await job.moveToWait(token);
        this.logger.log({
          msg: `Job ${job.id} was given back to its queue`,
          type: job.name,
          ...took(startedAt),
        });
        throw new WaitingError();
      }
      if (thrown instanceof JobReturnedError && token !== undefined) {
        await job.moveToDelayed(Date.now() + thrown.delayMs, token);
        throw new DelayedError();
      }
      const error = boundedError(thrown);
      this.logger.error({
        msg: `❌ Job ${job.id} failed: ${error.message}`,
        type: job.name,
        attempt,
        attempts: job.opts.attempts,
        ...took(startedAt),
        stack: error.stack?.split('\n').slice(0, 10).join('\n'),
      });
      throw error;
    }
  }

  private async handle(job: Job, signal: AbortSignal): Promise<unknown> {
    const { handlers, definition } = this;
    const declared = declaredJob(definition, job.name);
    const handler = handlers[job.name as JobName<Q>];
    if (handler === undefined || declared === undefined) {
      throw new UnrecoverableError(`no handler for job "${job.name}" on queue "${job.queueName}"`);
    }
    for (const step of this.steps) {
      if (step.prepare !== undefined) job.data = await step.prepare(job, definition);
    }
    try {
      await checkPayload(job.name, declared.payload, job.data);
    } catch (error) {
      if (error instanceof PayloadInvalidError) throw new UnrecoverableError(error.message);
      throw error;
    }
    let result = await handler(job, signal);
    for (const step of this.steps) {
      if (step.settle !== undefined) result = await step.settle(job, definition, result);
    }
    return result;
  }
}

function took(startedAt: number): { durationMs: number } {
  return { durationMs: Math.round(performance.now() - startedAt) };
}
