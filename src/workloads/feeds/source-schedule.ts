import { CronExpressionParser } from 'cron-parser';
import { createHash } from 'node:crypto';

export interface SourceSchedule {
  /** Five or six fields, as cron has them. */
  readonly schedule: string;
  readonly timeZone: string;
  readonly jitterSeconds: number;
}

// More often than that is not what a feed is for.
const SHORTEST_INTERVAL_MS = 10_000;

/** What is wrong with a schedule, in a sentence; undefined when nothing is. */
export function problemOfSchedule({
  schedule,
  timeZone,
}: Omit<SourceSchedule, 'jitterSeconds'>): string | undefined {
  try {
    const turns = CronExpressionParser.parse(schedule, { tz: timeZone });
    const [first, second] = [turns.next().getTime(), turns.next().getTime()];
    return second - first < SHORTEST_INTERVAL_MS ? 'must leave 10 seconds between two runs' : undefined;
  } catch {
    return 'must be a cron expression of five or six fields, such as "*/15 * * * *"';
  }
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}

/**
 * When a source is due next. The jitter is the source's own, so that its runs keep their distance while the runs of
 * many sources are spread.
 */
export function nextRunOf(
  id: string,
  { schedule, timeZone, jitterSeconds }: SourceSchedule,
  after: Date,
): Date {
  const jitterMs = jitterOf(id, jitterSeconds);
  const turns = CronExpressionParser.parse(schedule, {
    tz: timeZone,
    currentDate: new Date(after.getTime() - jitterMs),
  });
  return new Date(turns.next().getTime() + jitterMs);
}

function jitterOf(id: string, seconds: number): number {
  const share = createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(share * seconds * 1_000);
}
