import { CronExpressionParser } from 'cron-parser';
import { createHash } from 'node:crypto';
import type { SyncSchedule } from './brokerage.tables';

const MINUTE_MS = 60_000;

/**
 * When a connection is due next: the first moment of its schedule after `now`, moved by a part of its jitter that is
 * the connection's own, so that the moments stay the same after a restart and connections of one schedule spread.
 * Null without a schedule, and for a cron expression that never comes again.
 */
export function nextSyncAt(connectionId: string, schedule: SyncSchedule, now: number): Date | null {
  if (schedule.kind === 'manual') return null;
  const shiftMs = shiftOf(connectionId, schedule.jitterSeconds);
  if (schedule.kind === 'interval') {
    const everyMs = schedule.everyMinutes * MINUTE_MS;
    const turn = Math.floor((now - shiftMs) / everyMs) + 1;
    return new Date(turn * everyMs + shiftMs);
  }
  try {
    // From the moment before the shift, so that no turn is passed over.
    const currentDate = new Date(now - shiftMs);
    const { expression, timeZone: tz } = schedule;
    return new Date(CronExpressionParser.parse(expression, { currentDate, tz }).next().getTime() + shiftMs);
  } catch {
    return null;
  }
}

/** What is wrong with a cron expression, as the end of a sentence; undefined when it can be used. */
export function faultOfCron(expression: string, timeZone: string): string | undefined {
  if (expression.trim().split(/\s+/).length !== 5) {
    return 'must have five fields: minute, hour, day of the month, month, day of the week';
  }
  try {
    CronExpressionParser.parse(expression, { tz: timeZone }).next();
    return undefined;
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

function shiftOf(connectionId: string, jitterSeconds: number): number {
  if (jitterSeconds === 0) return 0;
  const share = createHash('sha256').update(connectionId).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(share * jitterSeconds * 1_000);
}
