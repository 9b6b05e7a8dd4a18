import { isTimeZone } from '../../platform/schedules/cron-turns';
import { faultOfCron, nextSyncAt } from './sync-times';

const MINUTE_MS = 60_000;
const now = Date.UTC(2024, 0, 31, 12, 7);
const interval = (jitterSeconds: number) => ({ kind: 'interval', everyMinutes: 15, jitterSeconds }) as const;

describe('when a connection is due', () => {
  it('is never without a schedule', () => {
    expect(nextSyncAt('a', { kind: 'manual' }, now)).toBeNull();
  });

  it('is at the same moments, however often it is asked and whenever the server began', () => {
    const first = nextSyncAt('a', interval(300), now)!.getTime();
    expect(nextSyncAt('a', interval(300), now + 1)!.getTime()).toBe(first);
    expect(nextSyncAt('a', interval(300), first)!.getTime()).toBe(first + 15 * MINUTE_MS);
    expect(nextSyncAt('a', interval(0), now)?.toISOString()).toBe('2024-01-31T12:15:00.000Z');
  });

  it('spreads connections over their jitter, and no further', () => {
    const late = Array.from({ length: 200 }, (_, index) => {
      const at = nextSyncAt(`connection-${index}`, interval(300), now)!.getTime();
      return at % (15 * MINUTE_MS);
    });
    expect(Math.max(...late)).toBeLessThan(300_000);
    expect(Math.max(...late) - Math.min(...late)).toBeGreaterThan(200_000);
  });

  it('follows a cron expression in its zone, through the change of clocks', () => {
    const schedule = {
      kind: 'cron',
      expression: '30 6 * * 1-5',
      timeZone: 'America/New_York',
      jitterSeconds: 0,
    } as const;
    expect(nextSyncAt('a', schedule, Date.UTC(2024, 2, 8, 12))?.toISOString()).toBe(
      '2024-03-11T10:30:00.000Z',
    );
    expect(nextSyncAt('a', schedule, Date.UTC(2024, 2, 7, 12))?.toISOString()).toBe(
      '2024-03-08T11:30:00.000Z',
    );
  });

  it('passes no turn of a cron expression over because of its jitter', () => {
    const schedule = {
      kind: 'cron',
      expression: '*/5 * * * *',
      timeZone: 'UTC',
      jitterSeconds: 240,
    } as const;
    let at = nextSyncAt('a', schedule, now)!.getTime();
    for (let turn = 0; turn < 20; turn += 1) {
      const next = nextSyncAt('a', schedule, at)!.getTime();
      expect(next - at).toBe(5 * MINUTE_MS);
      at = next;
    }
  });

  it.each(['', '* * * *', '* * * * * *', '60 * * * *', 'a b c d e', '0 0 31 2 *'])(
    'refuses the cron expression %j',
    (text) => expect(faultOfCron(text, 'UTC')).toEqual(expect.any(String)),
  );

  it('knows time zones', () => {
    expect(['UTC', 'Europe/Berlin', 'Moon/Sea', '', 'x'.repeat(100)].map(isTimeZone)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
