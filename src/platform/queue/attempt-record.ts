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
  readonly outcome: 'failed' | 'given_back' | 'lost';
  /** Set where the attempt was the job's last. */
  readonly cause?: DeathCause;
  readonly error?: { readonly name: string; readonly message: string };
}

/** The hash field that holds the records, as a JSON array. BullMQ leaves fields alone that it does not know. */
export const ATTEMPTS_FIELD = 'hfAttempts';
export const MAX_ATTEMPT_RECORDS = 20;
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
