import { Injectable } from '@nestjs/common';
import { ErrorCode, Job } from 'bullmq';
import { JobReader } from '../queue/job-reader.service';
import type { JobSnapshot } from '../queue/job-snapshot';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { isCancelled } from './dead-letter-entry';
import { DeadLetterParker } from './dead-letter-parker.service';
import { DeadLetterRedrive, type RedriveOutcome } from './dead-letter-redrive.service';
import { DeadLetterStore, type Decision } from './dead-letter.store';
import type { RedriveOrder } from './dead-letter.tables';
import { JobReturn } from './job-return.service';
import type { Returnable } from './returnable';

/** Why a job cannot be retried or promoted now. */
export type NotDone = 'not_found' | 'wrong_state';

/** The run that a retry has begun, or why there is none. */
export type Retried = (RedriveOutcome & { readonly kind: 'redriven' }) | NotDone;

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
  async retry(id: string, wish: RetryWish, tenant = 'default'): Promise<Retried> {
    const snapshot = await this.reader.read(id);
    if (isOfAnother(snapshot, tenant)) return 'not_found';
    if (snapshot !== undefined && !hasFailed(snapshot)) return 'wrong_state';
    const entry = this.registry.ofJob(id);
    if (entry === undefined) return 'not_found';
    const outcome = await this.retryIn(entry, id, wish, tenant);
    return outcome === 'wrong_state' && snapshot === undefined ? 'not_found' : outcome;
  }

  /** The same for a job of any id that stands in the failed set of a queue, or did so until it was removed. */
  async retryIn(entry: RegisteredQueue, id: string, wish: RetryWish, tenant = 'default'): Promise<Retried> {
    await this.parker.parked(entry, [id]);
    const letter = await this.store.undecidedOf(id, tenant);
    if (letter === undefined) return this.retryCancelled(id, wish, tenant);
    if (wish.data !== undefined) {
      await this.store.edit(letter.id, await this.jobs.edited(letter, wish.data), wish);
    }
    const [outcome] = await this.redrive.redrive([letter.id], orderOf(wish));
    if (outcome?.kind === 'refused') throw outcome.error;
    return outcome?.kind === 'redriven' ? outcome : 'wrong_state';
  }

  /** Parks whatever has died up to now. */
  async parkAll(): Promise<void> {
    await this.parker.turn();
  }

  /** Lets a delayed job start now. */
  async promote(id: string, tenant = 'default'): Promise<'promoted' | NotDone> {
    const snapshot = await this.reader.read(id);
    const entry = this.registry.ofJob(id);
    if (snapshot === undefined || entry === undefined || isOfAnother(snapshot, tenant)) return 'not_found';
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
  private async retryCancelled(jobId: string, wish: RetryWish, tenant: string): Promise<Retried> {
    const snapshot = await this.reader.read(jobId);
    if (snapshot === undefined || !isCancelled(snapshot) || isOfAnother(snapshot, tenant)) {
      return 'wrong_state';
    }
    const { id, finishedAt = 0, origin, data, type, queue, options = {}, createdAt } = snapshot;
    const generation = origin.generation ?? 0;
    const letter: Returnable = {
      id,
      jobId: id,
      tenant: origin.tenant,
      queue,
      type,
      generation,
      payload: data,
      editedPayload: null,
      options: { ...options },
      cause: 'unrecoverable',
      createdAt: new Date(createdAt),
      finishedAt,
    };
    const editedPayload =
      wish.data === undefined ? null : JSON.stringify(await this.jobs.edited(letter, wish.data));
    const job = await this.jobs.bringBack({ ...letter, editedPayload }, orderOf(wish));
    return job === undefined
      ? 'wrong_state'
      : { id, kind: 'redriven', jobId: id, generation: generation + 1 };
  }
}

function orderOf({ by, reason, resetAttempts = true }: RetryWish): RedriveOrder {
  return { by, reason, resetAttempts };
}

/** For whoever asks, the job of another tenant is not there. */
function isOfAnother(snapshot: JobSnapshot | undefined, tenant: string): boolean {
  return snapshot !== undefined && snapshot.origin.tenant !== tenant;
}

function hasFailed({ state }: JobSnapshot): boolean {
  return state === 'failed' || state === 'cancelled';
}
