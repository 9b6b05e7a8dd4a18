import fc from 'fast-check';
import { isClosed } from './curfews';
import { localTimeAt, momentOf } from './local-time';

const at = (date: string, minutes: number, zone: string) =>
  new Date(momentOf(date, minutes, zone)).toISOString();

describe('local time', () => {
  it('is turned into moments, summer time included', () => {
    expect(at('2027-01-15', 540, 'America/New_York')).toBe('2027-01-15T14:00:00.000Z');
    expect(at('2027-07-15', 540, 'America/New_York')).toBe('2027-07-15T13:00:00.000Z');
    expect(at('2027-07-15', 540, 'Asia/Kolkata')).toBe('2027-07-15T03:30:00.000Z');
    // 02:30 does not exist on that night in New York; clocks show 03:30.
    expect(localTimeAt(momentOf('2027-03-14', 150, 'America/New_York'), 'America/New_York').iso).toBe(
      '2027-03-14T03:30:00-04:00',
    );
  });

  it('comes back as it was, outside of the hours that clocks leave out', () => {
    const zones = [
      'America/New_York',
      'Europe/Zurich',
      'Asia/Kathmandu',
      'Pacific/Kiritimati',
      'UTC',
      'Australia/Lord_Howe',
    ];
    const minutes = fc.integer({ min: 240, max: 1_439 });
    const days = fc.integer({ min: 0, max: 3_000 });
    fc.assert(
      fc.property(fc.constantFrom(...zones), days, minutes, (zone, day, minute) => {
        const date = new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10);
        expect(localTimeAt(momentOf(date, minute, zone), zone)).toMatchObject({ date, minutes: minute });
      }),
      { numRuns: 300 },
    );
  });
});

describe('curfews', () => {
  const on = (weekday: number, time: string) => ({
    date: '',
    iso: '',
    weekday,
    minutes: Number(time.slice(0, 2)) * 60 + Number(time.slice(3)),
  });

  it.each([
    ['EGLC', 1, '21:59', 'arrivals', false],
    ['EGLC', 1, '22:00', 'arrivals', true],
    ['EGLC', 2, '06:29', 'departures', true],
    ['EGLC', 2, '06:30', 'departures', false],
    ['EGLC', 6, '12:30', 'departures', true],
    ['EGLC', 0, '12:29', 'departures', true],
    ['EGLC', 0, '12:30', 'departures', false],
    ['LSZH', 3, '23:00', 'arrivals', true],
    ['LSZH', 4, '05:59', 'departures', true],
    ['LFPB', 4, '23:00', 'departures', true],
    ['LFPB', 4, '23:00', 'arrivals', false],
    ['KSNA', 1, '22:30', 'departures', true],
    ['KSNA', 1, '22:30', 'arrivals', false],
    ['KSNA', 0, '07:30', 'arrivals', true],
    ['KSNA', 1, '07:30', 'arrivals', false],
    ['KTEB', 1, '03:00', 'departures', false],
    ['constructor', 1, '03:00', 'departures', false],
  ] as const)('%s on day %i at %s for %s: %s', (icao, weekday, time, movement, closed) => {
    expect(isClosed(icao, on(weekday, time), movement)).toBe(closed);
  });
});
