import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { UnrecoverableError, type Job } from 'bullmq';
import { originOf } from '../queue/add-job';
import { causeOfReason, JobDeathError, type DeathCause } from '../queue/death-cause';
import { JobCancelledError, JobTimeoutError } from '../queue/job-interruption';
import { Quarantine, type QuarantinedJob } from '../worker/quarantine.service';
import { WorkerRunner } from '../worker/worker-runner.service';
import { ErrorReporter } from './error-reporter.service';
import { payloadTexts } from './payload-texts';

/** Reports every job of this process that dies, those that are put aside because no worker can read them, and what goes wrong in its workers beside jobs. */
@Injectable()
export class JobFailureReports implements OnApplicationBootstrap {
  constructor(
    private readonly runner: WorkerRunner,
    private readonly quarantine: Quarantine,
    private readonly reporter: ErrorReporter,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.reporter.isOn) return;
    // A failure that is tried again is no news, and somebody wanted a cancelled job to end.
    this.runner.onFailure((job, error, isFinal) => {
      if (isFinal && error.name !== JobCancelledError.name) this.died(job, error);
    });
    this.quarantine.onPutAside((job) => this.putAside(job));
    this.runner.onWorkerError((queue, error) =>
      this.reporter.report(error, () => ({ kind: 'worker', group: [queue], tags: { queue } })),
    );
  }

  private died(job: Job, error: Error): void {
    const { queueName, name, id, attemptsMade, opts } = job;
    this.reporter.report(error, () => ({
      kind: 'job',
      group: [queueName, name],
      tags: {
        queue: queueName,
        type: name,
        jobId: id,
        attempt: attemptsMade,
        attempts: opts.attempts,
        cause: causeOf(job, error),
        correlationId: originOf(job).correlationId,
      },
      hidden: payloadTexts(job.data),
    }));
  }

  /** The reason holds names of fields and nothing of what stands in them. */
  private putAside({ queue, id, type, cause, reason }: QuarantinedJob): void {
    this.reporter.report(new JobDeathError(cause, reason), () => ({
      kind: 'job',
      group: [queue, type],
      tags: { queue, type, jobId: id, cause },
    }));
  }
}

/** What the dead letter will say, too; the error in hand tells more than the reason that BullMQ stored. */
function causeOf({ attemptsMade, opts }: Job, error: Error): DeathCause {
  if (error instanceof JobDeathError) return error.deathCause;
  if (error.name === JobTimeoutError.name) return 'timeout';
  const cause = causeOfReason(error.message, attemptsMade, opts.attempts ?? 1);
  return cause === 'attempts_used' && error instanceof UnrecoverableError ? 'unrecoverable' : cause;
}
