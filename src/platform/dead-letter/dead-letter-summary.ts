import { sql } from 'drizzle-orm';
import type { DeathCause } from '../queue/death-cause';
import type { DeadLetter } from './dead-letter-entry';
import { deadLetters } from './dead-letter.tables';

/** A dead letter without what may be large. */
export type DeadLetterSummary = Omit<
  DeadLetter,
  'payload' | 'editedPayload' | 'options' | 'attempts' | 'errorStack' | 'isShown' | 'isShownWanted'
> & { readonly isEdited: boolean };

/** Deaths of the same kind. */
export interface DeadLetterGroup {
  readonly fingerprint: string;
  readonly queue: string;
  readonly type: string;
  readonly cause: DeathCause;
  readonly errorName: string;
  /** The message of one of them. */
  readonly errorMessage: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly sampleId: string;
}

/** The columns of a {@link DeadLetterSummary}. */
export const summary = {
  id: deadLetters.id,
  tenant: deadLetters.tenant,
  queue: deadLetters.queue,
  jobId: deadLetters.jobId,
  generation: deadLetters.generation,
  key: deadLetters.key,
  type: deadLetters.type,
  cause: deadLetters.cause,
  attemptsMade: deadLetters.attemptsMade,
  attemptsMax: deadLetters.attemptsMax,
  errorName: deadLetters.errorName,
  errorMessage: deadLetters.errorMessage,
  fingerprint: deadLetters.fingerprint,
  createdAt: deadLetters.createdAt,
  finishedAt: deadLetters.finishedAt,
  parkedAt: deadLetters.parkedAt,
  status: deadLetters.status,
  changedAt: deadLetters.changedAt,
  changedBy: deadLetters.changedBy,
  changeReason: deadLetters.changeReason,
  redriveCount: deadLetters.redriveCount,
  redriveOrder: deadLetters.redriveOrder,
  redrivenAs: deadLetters.redrivenAs,
  redrivenFrom: deadLetters.redrivenFrom,
  isEdited: sql<boolean>`${deadLetters.editedPayload} IS NOT NULL`,
};

/** What a group of errors is made of. */
export const grouped = {
  id: deadLetters.id,
  tenant: deadLetters.tenant,
  queue: deadLetters.queue,
  type: deadLetters.type,
  fingerprint: deadLetters.fingerprint,
  errorName: deadLetters.errorName,
  errorMessage: deadLetters.errorMessage,
  finishedAt: deadLetters.finishedAt,
};
