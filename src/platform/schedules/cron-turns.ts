import { CronExpressionParser } from 'cron-parser';
import { createHash } from 'node:crypto';

export interface CronSchedule {
  /** Five or six fields, as cron has them. */
  readonly expression: string;
  /** An IANA name. */
  readonly timeZone: string;
  /** How much later than its schedule it may run. */
  readonly jitterSeconds: number;
}

/** The first moment of the schedule after another, shifted; null for an expression that never comes again. */
export function nextTurn(id: string, schedule: CronSchedule, after: number): Date | null {
  const shiftMs = shiftOf(id, schedule.jitterSeconds);
  try {
    const { expression, timeZone: tz } = schedule;
    // From the moment before the shift, so that no turn is passed over.
    const currentDate = new Date(after - shiftMs);
    return new Date(CronExpressionParser.parse(expression, { currentDate, tz }).next().getTime() + shiftMs);
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
    const turns = CronExpressionParser.parse(expression, { tz: timeZone });
    const [first, second] = [turns.next().getTime(), turns.next().getTime()];
    return second - first < shortestMs
      ? `must leave ${shortestMs / 1_000} seconds between two runs`
      : undefined;
  } catch {
    return 'is no cron expression that ever comes, such as 30 6 * * 1-5';
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
