import * as cron from '../../platform/schedules/cron-turns';
import type { SyncSchedule } from './brokerage.tables';

const MINUTE_MS = 60_000;

/** When a connection is due next; null without a schedule, and for a cron expression that does not come in eight years. */
export function nextSyncAt(connectionId: string, schedule: SyncSchedule, now: number): Date | null {
  if (schedule.kind === 'manual') return null;
  if (schedule.kind === 'cron') return cron.nextTurn(connectionId, schedule, now);
  const shiftMs = cron.shiftOf(connectionId, schedule.jitterSeconds);
  const everyMs = schedule.everyMinutes * MINUTE_MS;
  const turn = Math.floor((now - shiftMs) / everyMs) + 1;
  return new Date(turn * everyMs + shiftMs);
}

/** What is wrong with a cron expression, as the end of a sentence; undefined when it can be used. */
export function faultOfCron(expression: string, timeZone: string): string | undefined {
  if (expression.trim().split(/\s+/).length !== 5) {
    return 'must have five fields: minute, hour, day of the month, month, day of the week';
  }
  return cron.faultOfCron(expression, timeZone);
}
