import { faultOfCron, nextTurn } from './cron-turns';

const schedule = (expression: string, timeZone = 'UTC') => ({ expression, timeZone, jitterSeconds: 0 });
const turn = (expression: string, timeZone: string, after: string) =>
  nextTurn('a', schedule(expression, timeZone), Date.parse(after))?.toISOString();

// They come in decades or never, or keep a search busy that looks at every day, or every hour of a change of clocks.
const hostile = [
  '0 0 30 2 1#5',
  '0 0 31 4,6,9,11 *',
  '0 0 31 2 *',
  '0 0 * 2 1#5',
  '0-59,0-59,0-59 2,3 30W * +7L',
  '0 3 4 4 *',
  '0 0 1 * +MON#5',
];
const zones = ['UTC', 'America/New_York', 'Australia/Lord_Howe'];

function spentMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('when a cron expression is due', () => {
  it.each(['0 0 30 2 1#5', '0 0 31 2 *', '0 0 31 4,6,9,11 *'])(
    'is not soon for %j, which is refused',
    (text) => {
      expect(faultOfCron(text, 'Europe/Berlin')).toBe('must come within 8 years, such as 30 6 * * 1-5');
      expect(nextTurn('a', schedule(text), Date.now())).toBeNull();
    },
  );

  it.each([
    '',
    '* * * *',
    '* * * * * * *',
    '@annually',
    '2027-01-01T00:00:00',
    '0 0 1 1 * * 2500',
    'H H * * *',
  ])('is nothing that %j can tell', (text) =>
    expect(faultOfCron(text, 'UTC')).toContain('is no cron expression of five or six fields'),
  );

  it('is found for a leap day, also where the next is eight years away', () => {
    expect(turn('0 0 29 2 *', 'UTC', '2026-11-27T00:00Z')).toBe('2028-02-29T00:00:00.000Z');
    expect(turn('0 0 29 2 *', 'UTC', '2096-02-29T00:00Z')).toBe('2104-02-29T00:00:00.000Z');
  });

  it('is found in the last hours of a year that is over in UTC', () => {
    expect(turn('0 23 31 12 *', 'America/New_York', '2027-01-01T03:30Z')).toBe('2027-01-01T04:00:00.000Z');
  });

  it('is once on the days that clocks change, half an hour of it included', () => {
    expect(turn('30 2 * * *', 'America/New_York', '2027-03-13T12:00Z')).toBe('2027-03-14T07:00:00.000Z');
    expect(turn('30 1 * * *', 'America/New_York', '2027-11-07T05:30Z')).toBe('2027-11-08T06:30:00.000Z');
    expect(turn('*/20 * * * *', 'America/New_York', '2027-11-07T05:40Z')).toBe('2027-11-07T06:00:00.000Z');
    expect(turn('0 3 * * *', 'Australia/Lord_Howe', '2027-04-02T20:00Z')).toBe('2027-04-03T16:30:00.000Z');
  });

  it('costs little, whatever somebody sends', () => {
    // 5 ms were the most that was measured; the search without an end takes 150 to 800.
    for (const zone of zones) {
      for (const text of hostile) {
        const each = Array.from({ length: 5 }, () => spentMs(() => faultOfCron(text, zone)));
        expect([text, zone, Math.min(...each) < 50]).toEqual([text, zone, true]);
      }
    }
  });

  it('keeps its distance, or is refused', () => {
    expect(faultOfCron('*/5 * * * * *', 'UTC', 10_000)).toBe('must leave 10 seconds between two runs');
    expect(faultOfCron('*/10 * * * * *', 'UTC', 10_000)).toBeUndefined();
    expect(faultOfCron('30 6 * * 1-5', 'UTC', 10_000)).toBeUndefined();
  });
});
