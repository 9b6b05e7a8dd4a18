import { Cron } from 'croner';
import { createHash } from 'node:crypto';

// A leap day can be eight years away. Whatever comes later is searched for in vain, at the cost of the event loop.
const HORIZON_YEARS = 8;

export interface CronSchedule {
  /** Five or six fields, as cron has them. */
  readonly expression: string;
  /** An IANA name. */
  readonly timeZone: string;
  /** How much later than its schedule it may run. */
  readonly jitterSeconds: number;
}

/** The first moment of the schedule after another, shifted; null for an expression that does not come in eight years. */
export function nextTurn(id: string, schedule: CronSchedule, after: number): Date | null {
  const shiftMs = shiftOf(id, schedule.jitterSeconds);
  try {
    // From the moment before the shift, so that no turn is passed over.
    const [turn] = turnsOf(schedule.expression, schedule.timeZone, after - shiftMs, 1);
    return turn === undefined ? null : new Date(turn.getTime() + shiftMs);
  } catch {
    return null;
  }
}

/**
 * The part of the jitter that is this one's own, in milliseconds: its turns keep their distance and stay the same after a
 * restart, while those of many are spread.
 */
export function shiftOf(id: string, jitterSeconds: number): number {
  if (jitterSeconds === 0) return 0;
  const share = createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(share * jitterSeconds * 1_000);
}

/** What is wrong with a cron expression, as the end of a sentence; undefined when it can be used. */
export function faultOfCron(expression: string, timeZone: string, shortestMs = 0): string | undefined {
  try {
    const [first, second] = turnsOf(expression, timeZone, Date.now(), 2);
    if (first === undefined) return `must come within ${HORIZON_YEARS} years, such as 30 6 * * 1-5`;
    return second !== undefined && second.getTime() - first.getTime() < shortestMs
      ? `must leave ${shortestMs / 1_000} seconds between two runs`
      : undefined;
  } catch {
    return 'is no cron expression of five or six fields, such as 30 6 * * 1-5';
  }
}

/** Whether a text names a time zone that this machine knows. */
export function isTimeZone(text: string): boolean {
  try {
    return text.length <= 64 && new Intl.DateTimeFormat('en', { timeZone: text }).format(0) !== '';
  } catch {
    return false;
  }
}

/** Up to so many turns after a moment, the years among its fields, since the search has no other end. */
function turnsOf(expression: string, timezone: string, after: number, count: number): Date[] {
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6)
    throw new Error('A cron expression has five or six fields.');
  const from = new Date(after);
  const year = from.getUTCFullYear();
  // The zone may still be in the year before.
  const years = `${year - 1}-${year + HORIZON_YEARS}`;
  const pattern = [...(fields.length === 5 ? ['0'] : []), ...fields, years].join(' ');
  return new Cron(pattern, { timezone }).nextRuns(count, from);
}
