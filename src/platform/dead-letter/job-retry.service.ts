import { Injectable } from '@nestjs/common';
import { ErrorCode, Job } from 'bullmq';
import { JobReader } from '../queue/job-reader.service';
import type { JobSnapshot } from '../queue/job-snapshot';
import { QueueRegistry } from '../queue/queue-registry.service';
import { isCancelled } from './dead-letter-entry';
import { DeadLetterParker } from './dead-letter-parker.service';
import { DeadLetterRedrive, type RedriveOutcome } from './dead-letter-redrive.service';
import { DeadLetterStore, type Decision } from './dead-letter.store';
import type { RedriveOrder } from './dead-letter.tables';
import { JobReturn } from './job-return.service';

/** Why a job cannot be retried or promoted now. */
export type NotDone = 'not_found' | 'wrong_state';

export interface RetryWish extends Decision {
  /** Whether the job gets its full number of attempts again; true unless said otherwise. */
  readonly resetAttempts?: boolean;
  /** Takes the place of the payload. */
  readonly data?: object;
}

/** Retries single jobs by their id: a job that died goes back as its dead letter, so that there is one way only. */
@Injectable()
export class JobRetry {
  constructor(
    private readonly reader: JobReader,
    private readonly registry: QueueRegistry,
    private readonly parker: DeadLetterParker,
    private readonly store: DeadLetterStore,
    private readonly redrive: DeadLetterRedrive,
    private readonly jobs: JobReturn,
  ) {}

  /** Rejects with PayloadInvalidError or RedriveRefusedError where the job cannot run with this payload. */
  async retry(id: string, wish: RetryWish): Promise<RedriveOutcome | NotDone> {
    const snapshot = await this.reader.read(id);
    if (snapshot !== undefined && !hasFailed(snapshot)) return 'wrong_state';
    if (snapshot !== undefined && isCancelled(snapshot)) return this.retryCancelled(snapshot, wish);
    const entry = this.registry.ofJob(id);
    if (snapshot !== undefined && entry !== undefined) await this.parker.parked(entry, [id]);
    const letter = await this.store.undecidedOf(id);
    if (letter === undefined) return snapshot === undefined ? 'not_found' : 'wrong_state';
    if (wish.data !== undefined) {
      await this.jobs.checkEdit(letter, wish.data);
      await this.store.edit(letter.id, wish.data, wish);
    }
    const [outcome] = await this.redrive.redrive([letter.id], orderOf(wish));
    if (outcome === undefined || outcome.kind === 'decided') return 'wrong_state';
    if (outcome.kind === 'refused') throw outcome.error;
    return outcome;
  }

  /** Lets a delayed job start now. */
  async promote(id: string): Promise<'promoted' | NotDone> {
    const snapshot = await this.reader.read(id);
    const entry = this.registry.ofJob(id);
    if (snapshot === undefined || entry === undefined) return 'not_found';
    if (snapshot.state !== 'delayed') return 'wrong_state';
    try {
      await new Job(entry.queue, snapshot.type, {}, { ...snapshot.options }, id).promote();
      return 'promoted';
    } catch (error) {
      // A worker may have taken it between the read and the move.
      if ((error as { code?: unknown }).code === ErrorCode.JobNotInState) return 'wrong_state';
      throw error;
    }
  }

  /** No death, so that there is no dead letter to redrive. */
  private async retryCancelled(snapshot: JobSnapshot, wish: RetryWish): Promise<RedriveOutcome | NotDone> {
    const { id, finishedAt = 0, origin, data, type, queue, options = {}, createdAt } = snapshot;
    const generation = origin.generation ?? 0;
    const job = await this.jobs.bringBack(
      {
        id,
        jobId: id,
        tenant: origin.tenant,
        queue,
        type,
        generation,
        payload: data,
        editedPayload: wish.data === undefined ? null : JSON.stringify(wish.data),
        options: { ...options },
        cause: 'unrecoverable',
        createdAt: new Date(createdAt),
        finishedAt,
      },
      orderOf(wish),
    );
    return job === undefined
      ? 'wrong_state'
      : { id, kind: 'redriven', jobId: id, generation: generation + 1 };
  }
}

function orderOf({ by, reason, resetAttempts = true }: RetryWish): RedriveOrder {
  return { by, reason, resetAttempts };
}

function hasFailed({ state }: JobSnapshot): boolean {
  return state === 'failed' || (state as string) === 'cancelled';
}
