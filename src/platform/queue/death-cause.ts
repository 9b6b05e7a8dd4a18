import { UnrecoverableError } from 'bullmq';

/** Why a job will not be tried again. */
export const deathCauses = [
  'attempts_used',
  'unrecoverable',
  'stalled',
  'started_too_often',
  'timeout',
  'expired',
  'contract_refused',
  'corrupt_data',
  'missing_data',
  'secret_unreadable',
  'child_failed',
] as const;
export type DeathCause = (typeof deathCauses)[number];

/** A job is not tried again, for a cause that has a name of its own. */
export class JobDeathError extends UnrecoverableError {
  constructor(
    readonly deathCause: DeathCause,
    message: string,
  ) {
    super(message);
    this.name = 'JobDeathError';
  }
}

// What BullMQ itself writes when it gives a job up, without asking any consumer.
const reasons: readonly (readonly [RegExp, DeathCause])[] = [
  [/^job stalled more than allowable limit/, 'stalled'],
  [/^job started more than allowable limit/, 'started_too_often'],
  [/^child \S+ failed$/, 'child_failed'],
];

/** The id of the child that BullMQ fails its parent for; undefined for any other reason. */
export function childOfFailure(reason: string | undefined): string | undefined {
  return /^child \S*:([^\s:]+) failed$/.exec(reason ?? '')?.[1];
}

/** The cause of a death that no consumer recorded, from the reason that BullMQ stored. */
export function causeOfReason(failedReason: string, attemptsMade: number, attemptsMax: number): DeathCause {
  const known = reasons.find(([pattern]) => pattern.test(failedReason));
  if (known !== undefined) return known[1];
  return attemptsMade >= attemptsMax ? 'attempts_used' : 'unrecoverable';
}
