import { PERMIT_FIELD } from '../key-limits/key-limit';
import type { DeathCause } from './death-cause';

/**
 * How one attempt of a job ended. BullMQ keeps no start, end and worker per attempt, so the consumer appends a record
 * to the job's own hash whenever an attempt does not complete; the attempt that completed stands in BullMQ's own fields.
 */
export interface AttemptRecord {
  /** Counts starts, from 1: an attempt that was given back, or whose worker died, has its number too. */
  readonly start: number;
  /** Epoch milliseconds; absent when the worker died and nobody knows. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly worker?: string;
  /** The version of Holdfast that ran it. */
  readonly version?: string;
  readonly outcome: 'failed' | 'given_back' | 'lost' | 'cancelled';
  /** Set where the attempt was the job's last. */
  readonly cause?: DeathCause;
  readonly error?: { readonly name: string; readonly message: string };
}

/** The hash field that holds the records, as a JSON array. BullMQ leaves fields alone that it does not know. */
export const ATTEMPTS_FIELD = 'hfAttempts';
/** Counts the starts that ended in a deliberate return; written only when one happens. */
export const RETURNS_FIELD = 'hfReturns';
/** The wish to cancel a running job, as JSON `{reason, by}`, until its worker has fulfilled it. */
export const CANCEL_FIELD = 'hfCancel';
/** Everything about earlier attempts; `stc` is BullMQ's count of stalls. Gone when a job begins anew. */
export const attemptFields = [ATTEMPTS_FIELD, RETURNS_FIELD, CANCEL_FIELD, PERMIT_FIELD, 'stc'] as const;

export const MAX_ATTEMPT_RECORDS = 20;
/** However long a job goes on, its beginning stays on record. */
export const FIRST_ATTEMPT_RECORDS = 2;
export const MAX_ATTEMPT_ERROR_CHARACTERS = 500;

/** The records of a job; an empty list for a job without any, or with a field that somebody else has spoiled. */
export function attemptRecords(stored: string | null | undefined): readonly AttemptRecord[] {
  try {
    const records: unknown = JSON.parse(stored ?? '[]');
    return Array.isArray(records) ? (records as AttemptRecord[]) : [];
  } catch {
    return [];
  }
}

/** An error as a record keeps it. */
export function recordedError({ name, message }: Error): { name: string; message: string } {
  return { name: name.slice(0, 100), message: message.slice(0, MAX_ATTEMPT_ERROR_CHARACTERS) };
}
