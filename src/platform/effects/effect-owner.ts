import type { Job } from 'bullmq';
import { createHash } from 'node:crypto';
import { originOf } from '../queue/add-job';

/** What the platform reads of the job that a handler was given. */
export type EffectJob = Pick<Job, 'id' | 'timestamp' | 'attemptsStarted' | 'processedOn' | 'opts'>;

/** One start of a job, as the fence compares it; times are epoch milliseconds. */
export interface EffectOwner {
  readonly jobId: string;
  readonly createdAt: number;
  /** Starts so far, this one included. They begin anew when a dead job is sent back. */
  readonly starts: number;
  readonly startedAt: number;
  /** Whether the job was added again to go on where it died. */
  readonly isRedriven: boolean;
}

/** Throws for a job that no worker has started. */
export function ownerOf(job: EffectJob): EffectOwner {
  const { id, timestamp, attemptsStarted, processedOn } = job;
  if (id === undefined || processedOn === undefined) {
    throw new Error('Only a job that a worker has started can have effects: pass the job of the handler.');
  }
  return {
    jobId: id,
    createdAt: timestamp,
    starts: attemptsStarted,
    startedAt: processedOn,
    isRedriven: (originOf(job).generation ?? 0) > 0,
  };
}

/** The same for every start of a job, and of no other job or step: URL-safe, fit for a Message-ID or an Idempotency-Key. */
export function effectKey(jobId: string, life: number, step: string): string {
  const digest = createHash('sha256').update(`${jobId}\0${life}\0${step}`).digest('base64url');
  return `hf_${digest.slice(0, 32)}`;
}
