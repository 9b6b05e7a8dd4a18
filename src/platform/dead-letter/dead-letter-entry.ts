import { MAX_ATTEMPT_ERROR_CHARACTERS, type AttemptRecord } from '../queue/attempt-record';
import { describedError } from '../ledger/error-group';
import { deadLetterQueueName } from '../queue/dead-letter-name';
import { causeOfReason, deathCauses, type DeathCause } from '../queue/death-cause';
import type { FinishedJob } from '../queue/job-sets.service';
import { jobId } from '../queue/job-id';
import type { JobSnapshot } from '../queue/job-snapshot';
import type { deadLetters } from './dead-letter.tables';

export type DeadLetter = typeof deadLetters.$inferSelect;
export type NewDeadLetter = typeof deadLetters.$inferInsert;

// A job that another program broke may hold anything; what Holdfast accepts is smaller.
const MAX_PAYLOAD_CHARACTERS = 4_194_304;
const MAX_MESSAGE_CHARACTERS = 2_000;
const MAX_STACK_CHARACTERS = 8_000;
const MAX_NAME_CHARACTERS = 200;

/** The same death has the same id, however often and by whomever it is noticed. */
export function deadLetterId(queue: string, job: string, finishedAt: number): string {
  return jobId(deadLetterQueueName(queue), `${job}/${finishedAt}`);
}

/** The dead letter of a job that failed for good, or nothing where the job was cancelled. */
export function deadLetterOf(queue: string, job: FinishedJob): NewDeadLetter | undefined {
  const { id, finishedAt, snapshot } = job;
  if (snapshot !== undefined && isCancelled(snapshot)) return undefined;
  const death = { id: deadLetterId(queue, id, finishedAt), queue, jobId: storable(id, 300), finishedAt };
  return { ...death, ...(snapshot === undefined ? withoutJob() : withJob(snapshot)) };
}

/** Whether somebody wanted the job to end, so that its end is no death. */
export function isCancelled(snapshot: JobSnapshot): boolean {
  return snapshot.state === 'cancelled' || snapshot.attempts.at(-1)?.outcome === 'cancelled';
}

type Told = Omit<NewDeadLetter, 'id' | 'queue' | 'jobId' | 'finishedAt'>;

function withoutJob(): Told {
  const error = describedError('Error', 'Redis holds the id of this job, but no job.');
  return {
    type: '',
    payload: '',
    options: {},
    cause: 'missing_data',
    attempts: [],
    attemptsMade: 0,
    attemptsMax: 0,
    errorName: error.name,
    errorMessage: error.message,
    fingerprint: error.group,
  };
}

function withJob(snapshot: JobSnapshot): Told {
  const { origin, attemptsMade, attemptsMax, failedReason = '', failedName = 'Error' } = snapshot;
  const error = describedError(failedName, storable(failedReason, MAX_MESSAGE_CHARACTERS));
  return {
    tenant: storable(origin.tenant, MAX_NAME_CHARACTERS),
    generation: origin.generation ?? 0,
    ...(origin.key !== undefined && { key: storable(origin.key, MAX_NAME_CHARACTERS + 100) }),
    type: storable(snapshot.type, MAX_NAME_CHARACTERS),
    payload: storable(snapshot.data, MAX_PAYLOAD_CHARACTERS),
    options: snapshot.options ?? {},
    cause: causeOf(snapshot),
    attempts: allAttempts(snapshot),
    attemptsMade,
    attemptsMax,
    errorName: error.name,
    errorMessage: error.message,
    ...(snapshot.stack !== undefined && { errorStack: storable(snapshot.stack, MAX_STACK_CHARACTERS) }),
    fingerprint: error.group,
    ...(Number.isSafeInteger(snapshot.createdAt) && { createdAt: new Date(snapshot.createdAt) }),
  };
}

function causeOf({ attempts, failedReason = '', attemptsMade, attemptsMax }: JobSnapshot): DeathCause {
  const recorded = attempts.at(-1)?.cause;
  return recorded !== undefined && deathCauses.includes(recorded)
    ? recorded
    : causeOfReason(failedReason, attemptsMade, attemptsMax);
}

/** BullMQ gives a job up without asking its consumer, who then has recorded no end. */
function allAttempts(snapshot: JobSnapshot): readonly AttemptRecord[] {
  const { attempts, starts, startedAt, finishedAt, worker, failedName = 'Error' } = snapshot;
  const last = attempts.at(-1);
  if (last?.cause !== undefined || (last !== undefined && last.start >= starts)) return attempts;
  const cause = causeOf(snapshot);
  const message = (snapshot.failedReason ?? '').slice(0, MAX_ATTEMPT_ERROR_CHARACTERS);
  return [
    ...attempts,
    {
      start: starts,
      ...(startedAt !== undefined && { startedAt }),
      ...(finishedAt !== undefined && { endedAt: finishedAt }),
      ...(worker !== undefined && { worker }),
      outcome: cause === 'stalled' ? 'lost' : 'failed',
      cause,
      error: { name: failedName, message },
    },
  ];
}

// PostgreSQL has no text with a NUL in it.
function storable(text: string, maxCharacters: number): string {
  return text.slice(0, maxCharacters).replaceAll('\0', '\uFFFD');
}
