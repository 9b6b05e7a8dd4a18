import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import { jobId } from '../../../platform/queue/job-id';
import { JobProducer } from '../../../platform/queue/job-producer';
import { JobReader } from '../../../platform/queue/job-reader.service';
import type { JobState } from '../../../platform/queue/job-snapshot';
import { jobKeyOf } from '../validation-run.store';
import type { ValidateFilePayload } from './csv-validation.payload';
import { csvValidationQueue } from './csv-validation.queue';

/** What document 002 shows of a job. */
export interface ValidationJobStatus {
  readonly id: string;
  readonly state: JobState;
  /** 0 to 100. */
  readonly progress: number;
  readonly data: ValidateFilePayload;
}

@Injectable()
export class CsvValidationProducer extends JobProducer<typeof csvValidationQueue> {
  constructor(
    @InjectQueue(csvValidationQueue.name) private readonly jobs: Queue,
    private readonly reader: JobReader,
  ) {
    super(csvValidationQueue, jobs);
  }

  validateFile(payload: ValidateFilePayload) {
    return this.add('validate-file', payload, { key: jobKeyOf(payload.validationRunId) });
  }

  /** Takes a job id, or its key `validation-<uuid>`; undefined once Redis has forgotten the job. */
  async getJobStatus(id: string): Promise<ValidationJobStatus | undefined> {
    const job = await this.reader.read(id.startsWith('validation-') ? jobId('validation', id) : id);
    if (job === undefined || job.queue !== csvValidationQueue.name) return undefined;
    const { id: ownId, state, progress, data } = job;
    return { id: ownId, state, progress: percentOf(progress), data: JSON.parse(data) as ValidateFilePayload };
  }

  /** Takes a job that has not begun out of the queue; false when a worker holds it, or there is none. */
  async discard(id: string): Promise<boolean> {
    return (await this.jobs.remove(id)) === 1;
  }
}

function percentOf(progress: unknown): number {
  const { percent } = (progress ?? {}) as { percent?: unknown };
  return typeof percent === 'number' ? percent : 0;
}
