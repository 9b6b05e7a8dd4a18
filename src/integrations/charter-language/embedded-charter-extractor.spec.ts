import * as fc from 'fast-check';
import { EmbeddedAirports } from '../airports/embedded-airports';
import { MAX_MESSAGE_CHARACTERS, UnreadableMessageError } from './charter-extractor';
import { EmbeddedCharterExtractor } from './embedded-charter-extractor';

const extractor = new EmbeddedCharterExtractor(new EmbeddedAirports());
// A Wednesday, ten in the morning in New York.
const context = { now: new Date('2026-03-04T15:00:00Z'), timeZone: 'America/New_York', tenant: 'default' };
const extract = (text: string, overrides: Partial<typeof context> = {}) =>
  extractor.extract(text, { ...context, ...overrides }, new AbortController().signal);
const questions = async (text: string) =>
  Object.fromEntries((await extract(text)).missing.map(({ field, question }) => [field, question]));

describe('the embedded extractor', () => {
  it('reads the request of the issue', async () => {
    const found = await extract('6 people from Teterboro to Van Nuys next Friday morning, back on Sunday');
    expect(found).toEqual({
      provider: 'embedded',
      usage: null,
      missing: [],
      request: {
        tripType: 'round_trip',
        legs: [
          {
            departure: { text: 'Teterboro', airport: 'KTEB', candidates: ['KTEB'] },
            arrival: { text: 'Van Nuys', airport: 'KVNY', candidates: ['KVNY'] },
            date: '2026-03-13',
            time: 'morning',
            flexibleDays: 0,
          },
          {
            departure: { text: 'Van Nuys', airport: 'KVNY', candidates: ['KVNY'] },
            arrival: { text: 'Teterboro', airport: 'KTEB', candidates: ['KTEB'] },
            date: '2026-03-15',
            time: null,
            flexibleDays: 0,
          },
        ],
        passengers: 6,
        budget: null,
        aircraftClass: null,
        clientEmail: null,
        clientName: null,
        notes: ['"next Friday" is read as 2026-03-13'],
      },
    });
  });

  it.each([
    ['the 14th', '2026-03-14'],
    ['the 2nd', '2026-04-02'],
    ['in two weeks', '2026-03-18'],
    ['today', '2026-03-04'],
    ['Wednesday', '2026-03-11'],
    ['next Tuesday', '2026-03-10'],
    ['Friday the 13th', '2026-03-13'],
    ['2 January', '2027-01-02'],
    ['3/12', '2026-03-12'],
    // A weekday that is not the date's, two days, or a span of time: nobody knows which day is meant.
    ['Monday 14 March', null],
    ['13 or 14 March', null],
    ['the 13th or the 14th', null],
    ['sometime in July', null],
    ['30 February', null],
  ])('takes "%s" as %s', async (words, date) => {
    const { request, missing } = await extract(`Teterboro to Van Nuys on ${words}, 4 pax`);
    expect(request.legs[0]?.date ?? null).toBe(date);
    expect(missing.some(({ field }) => field === 'legs[0].date')).toBe(date === null);
  });

  it('knows which day it is where the client is, and how days are written there', async () => {
    const now = new Date('2026-03-04T23:30:00Z');
    const there = { now, timeZone: 'Asia/Tokyo' };
    expect((await extract('TEB to VNY tomorrow', there)).request.legs[0]?.date).toBe('2026-03-06');
    expect((await extract('TEB to VNY on 3/12', there)).request.legs[0]?.date).toBe('2026-12-03');
  });

  it.each([
    ['under 40k', { amount: 40_000, currency: 'USD', kind: 'total' }],
    ['USD 25,000', { amount: 25_000, currency: 'USD', kind: 'total' }],
    ['€30k per person', { amount: 30_000, currency: 'EUR', kind: 'per_person' }],
    ['9.500 €', { amount: 9_500, currency: 'EUR', kind: 'total' }],
    ["CHF 55'000", { amount: 55_000, currency: 'CHF', kind: 'total' }],
    ['forty thousand pounds', { amount: 40_000, currency: 'GBP', kind: 'total' }],
    ['1.5 million dollars', { amount: 1_500_000, currency: 'USD', kind: 'total' }],
  ])('reads a budget of %s', async (words, budget) => {
    expect((await extract(`TEB to VNY on 14 March, 4 pax, ${words}`)).request.budget).toEqual(budget);
  });

  it.each([
    ['6 pax', 6],
    ['family of four plus a dog', 4],
    ['2 adults, 2 kids and a nanny', 5],
    ['six guests, two of them children', 6],
    ['my wife and I', 2],
    ['just me', 1],
    ['party of 12', 12],
    ['6 to 8 people', null],
  ])('counts the passengers of "%s"', async (words, passengers) => {
    expect((await extract(`Teterboro to Van Nuys on 14 March, ${words}.`)).request.passengers).toBe(
      passengers,
    );
  });

  it('asks where a place, a code or a number can mean several', async () => {
    expect(await questions('New York to Miami on 14 March, 6 to 8 people')).toEqual({
      'legs[0].departure': expect.stringMatching(/"New York": KTEB, .*or another\?/),
      'legs[0].arrival': expect.stringContaining('"Miami"'),
      passengers: expect.stringContaining('6 to 8 people'),
    });
    // Haneda for the world, Henderson for the FAA.
    const { request } = await extract('VNY-HND, 14 March, 4 pax');
    expect(request.legs[0]?.arrival).toMatchObject({ airport: null, candidates: ['RJTT', 'KHND'] });
  });

  it('takes what only resembles a name for a question', async () => {
    const { request } = await extract('from Teterborro to Van Nuys on 14 March, 4 pax');
    expect(request.legs[0]?.departure).toEqual({ text: 'Teterborro', airport: null, candidates: ['KTEB'] });
  });

  it('asks for everything where nothing is said', async () => {
    expect(Object.keys(await questions('How much is a private jet?'))).toEqual(['legs', 'passengers']);
  });

  it('names no e-mail address where there are several', async () => {
    const { request } = await extract('TEB to VNY, reply to a@example.com or b@example.com');
    expect(request.clientEmail).toBeNull();
  });

  it('refuses what is too long or empty', async () => {
    const long = 'a'.repeat(MAX_MESSAGE_CHARACTERS + 1);
    await expect(extract(long)).rejects.toThrow(UnreadableMessageError);
    await expect(extract('x'.repeat(1_000_000))).rejects.toThrow(/1000000 characters/);
    await expect(extract(' \n\t ')).rejects.toThrow(UnreadableMessageError);
  });

  it('stops for a signal', async () => {
    const reason = new Error('The job was cancelled.');
    await expect(extractor.extract('TEB to VNY', context, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  describe('reads a hostile text in a bounded time:', () => {
    const units = [
      'a',
      '1',
      ' ',
      '-',
      '/',
      '.',
      ',',
      '(',
      '$',
      '@',
      '\u0000',
      '\u202e',
      '👩‍👩‍👧‍👦',
      'ﷺ',
      'ß',
      '\n',
      '1 ',
      'a ',
      'a@',
      'a.',
      '1/1',
      '1-',
      '12:',
      '$1',
      '1,000',
      ' to ',
      'mon ',
      'January ',
      'at 1 ',
      '1 pax ',
      'the 1st ',
      'from A to B ',
      'TEB-',
      'TEB to VNY ',
      'New York ',
      'next Friday ',
      'or ',
      'in 1 day ',
      'two of us ',
      'G',
      'King Air ',
      'Regards ',
      'My name is A ',
      'back ',
      'a couple of ',
      'Zzyzx Qwert ',
      "d'",
      'twenty-',
      '1 a.m ',
      'between 1 and ',
      'Xa Xb Xc Xd ',
      'flexible within ',
      '1 thousand ',
      'tomorrow ',
      'this weekend ',
      'Tetterborogh ',
    ];
    it.each(units)('%j ten thousand characters long', async (unit) => {
      const text = unit.repeat(MAX_MESSAGE_CHARACTERS).slice(0, MAX_MESSAGE_CHARACTERS);
      const startedAt = performance.now();
      await extract(text).catch((error: unknown) => expect(error).toBeInstanceOf(UnreadableMessageError));
      const tookMs = performance.now() - startedAt;
      expect(tookMs).toBeLessThan(5_000);
    });
  });

  it('answers any text with legs, days and numbers that can be', async () => {
    const words = fc.constantFrom(
      ...'TEB VNY to from back Friday 14 March the 14th next 6 pax - / , . New York 40k USD $ at 9 am 09:30 or return 31 February Paris kids and € per person'.split(
        ' ',
      ),
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(words, { maxLength: 40 }).map((all) => all.join(' ')),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { request, missing } = await extract(`x${text}`);
        expect(request.legs.length).toBeLessThanOrEqual(10);
        for (const { date, time, departure, arrival } of request.legs) {
          expect(date === null || new Date(date).toISOString().startsWith(date)).toBe(true);
          expect(date === null || date >= '2026-01-01').toBe(true);
          expect(
            time === null || /^(?:[01]\d|2[0-3]):[0-5]\d$|^(?:morning|afternoon|evening|night)$/.test(time),
          ).toBe(true);
          expect(departure.candidates.length + arrival.candidates.length).toBeLessThanOrEqual(20);
        }
        expect(request.passengers === null || request.passengers > 0).toBe(true);
        expect(missing.every(({ question }) => question.endsWith('?'))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
