import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { originOf } from '../queue/add-job';
import { JobDeathError } from '../queue/death-cause';
import { declaredJob, type QueueDefinition } from '../queue/define-queue';
import { JobReturnedError, JobStep } from '../queue/job-step';
import { PayloadUpcastError, upcastPayload } from './upcast-payload';

const FIRST_RETURN_MS = 3_000;
const MAX_RETURN_MS = 30_000;

/**
 * Hands every handler the version of the payload that it declares: older ones are brought up to it,
 * newer ones go back to the queue for a newer worker, without an attempt.
 */
@Injectable()
export class ContractStep extends JobStep {
  override prepare(job: Job, definition: QueueDefinition): unknown {
    const declared = declaredJob(definition, job.name);
    const { version = 1 } = originOf(job);
    if (declared === undefined || version === (declared.version ?? 1)) return job.data as unknown;
    if (!Number.isInteger(version) || version < 1) {
      throw new JobDeathError('contract_refused', `the version of the payload is no number from 1 on`);
    }
    if (version > (declared.version ?? 1)) {
      throw new JobReturnedError(
        `Version ${version} of "${job.name}" is for a newer worker; this one knows version ${declared.version ?? 1}.`,
        returnDelayMs(job.attemptsStarted),
      );
    }
    try {
      return upcastPayload(job.name, declared, version, job.data);
    } catch (error) {
      if (error instanceof PayloadUpcastError) throw new JobDeathError('contract_refused', error.message);
      throw error;
    }
  }
}

// Longer each time, so that a queue full of jobs for a release that was taken back keeps nobody busy;
// not all at once, so that they do not come back as one crowd.
function returnDelayMs(starts: number): number {
  const longest = Math.min(MAX_RETURN_MS, FIRST_RETURN_MS * 2 ** Math.min(10, Math.max(0, starts - 1)));
  return Math.round(longest * (0.75 + Math.random() / 2));
}
