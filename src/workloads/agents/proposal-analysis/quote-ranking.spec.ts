import fc from 'fast-check';
import { aircraftCategories, type AircraftCategory, type Quote } from '../quote';
import {
  MAX_RANKED_QUOTES,
  QuoteRankingError,
  rankingCriteria,
  rankQuotes,
  type RankableQuote,
} from './quote-ranking';

interface Wish {
  readonly id?: string;
  readonly price?: number;
  readonly blockMinutes?: number;
  readonly seats?: number;
  readonly category?: AircraftCategory;
  readonly operatorRating?: number;
  readonly fuelStopCount?: number;
}

function quote({
  id = 'a',
  price = 20_000,
  seats = 8,
  category = 'light',
  operatorRating = 4,
  ...rest
}: Wish): Quote {
  return {
    id,
    operatorName: `Operator ${id}`,
    price,
    priceCents: Math.round(price * 100),
    currency: 'USD',
    aircraft: { id: 'ac', type: 'Jet', category, seats, homeBase: 'KTEB', operatorRating },
    passengers: 4,
    legs: [],
    blockMinutes: 300,
    fuelStopCount: 0,
    lines: [],
    notes: [],
    ...rest,
  };
}

const idsOf = (quotes: readonly RankableQuote[], preferences = {}) =>
  rankQuotes(quotes, preferences).map(({ id }) => id);

describe('the ranking of quotes', () => {
  it.each([
    ['price', { price: 19_000 }, { price: 21_000 }],
    ['time', { blockMinutes: 290 }, { blockMinutes: 310 }],
    ['comfort', { seats: 8 }, { seats: 5 }],
    ['comfort', { category: 'heavy' }, { category: 'turboprop' }],
    ['operator', { operatorRating: 4.5 }, { operatorRating: 4.4 }],
    ['stops', { fuelStopCount: 0 }, { fuelStopCount: 1 }],
    ['budget', { price: 25_000 }, { price: 25_001 }],
  ] as const)('prefers what is better by %s', (_criterion, better, worse) => {
    expect(idsOf([quote({ id: 'a', ...worse }), quote({ id: 'b', ...better })], { budget: 25_000 })).toEqual([
      'b',
      'a',
    ]);
  });

  it('explains each score in words and numbers that sum to the whole', () => {
    const [best, other] = rankQuotes(
      [quote({ id: 'a' }), quote({ id: 'b', price: 40_000, fuelStopCount: 1 })],
      {
        budget: 30_000,
      },
    );
    expect(best).toMatchObject({ rank: 1, id: 'a', operatorName: 'Operator a', price: 20_000, notes: [] });
    expect(best?.criteria.map(({ criterion }) => criterion)).toEqual([...rankingCriteria]);
    expect(other?.criteria.map(({ explanation }) => explanation)).toEqual([
      '$40,000, 100 % above the lowest of $20,000',
      '5 h 00 min from block to block, the shortest',
      '4 spare seats of 8, light cabin (20 of 50)',
      'rated 4 of 5',
      '33.3 % over the budget of $30,000',
      '1 stop for fuel',
    ]);
    expect(other?.criteria[0]).toMatchObject({ score: 50, share: 0.35, points: 17.5 });
    expect(other?.summary).toMatch(
      /^Operator b is number 2 of 2 with [\d.]+ of 100 points; most of it for \w+, most is lost on price\.$/,
    );
  });

  it('follows what a client prefers', () => {
    const quotes = [
      quote({ id: 'cheap', price: 10_000, blockMinutes: 600 }),
      quote({ id: 'fast', price: 30_000 }),
    ];
    expect(idsOf(quotes)[0]).toBe('cheap');
    expect(idsOf(quotes, { weights: { price: 1, time: 10 } })[0]).toBe('fast');
    expect(
      rankQuotes(quotes, { weights: { comfort: 0 } })[0]?.criteria.some(
        ({ criterion }) => criterion === 'comfort',
      ),
    ).toBe(false);
  });

  it('takes the bare quotes of document 001, and says what it left out', () => {
    const bare = [
      { id: 'q2', operatorName: 'Two', price: 200 },
      { id: 'q1', operatorName: 'One', price: 100 },
    ];
    const [best, other] = rankQuotes(bare);
    expect([best?.id, best?.score, other?.score]).toEqual(['q1', 100, 50]);
    expect(best?.criteria).toHaveLength(1);
    expect(best?.notes).toEqual([
      'Time is left out: 2 of 2 quotes do not say it.',
      'Comfort is left out: 2 of 2 quotes do not say it.',
      'The operator is left out: 2 of 2 quotes do not say it.',
      'The budget is left out: none was given.',
      'Stops are left out: 2 of 2 quotes do not say it.',
    ]);
    // A wish that no quote can be judged by leaves the price.
    const weights = { price: 0, time: 1, comfort: 0, operator: 0, budget: 0, stops: 0 };
    expect(idsOf(bare, { weights })).toEqual(['q1', 'q2']);
    expect(rankQuotes([...bare, quote({})])[0]?.notes[0]).toBe(
      'Time is left out: 2 of 3 quotes do not say it.',
    );
  });

  it('breaks ties by id, and needs no quotes at all', () => {
    expect(idsOf([quote({ id: 'c' }), quote({ id: 'a' }), quote({ id: 'b' })])).toEqual(['a', 'b', 'c']);
    expect(rankQuotes([])).toEqual([]);
    expect(rankQuotes([quote({ price: 0 }), quote({ id: 'b', price: 1 })])[0]?.score).toBeLessThanOrEqual(
      100,
    );
  });

  it('refuses what cannot be ranked, with a sentence', () => {
    const many = Array.from({ length: MAX_RANKED_QUOTES + 1 }, (_, index) => quote({ id: String(index) }));
    expect(() => rankQuotes(many)).toThrow(QuoteRankingError);
    expect(() => rankQuotes([quote({}), quote({})])).toThrow('The id a stands twice among the quotes.');
    for (const price of [-1, NaN, Infinity])
      expect(() => rankQuotes([quote({ price })])).toThrow('The price of a');
    for (const weight of [-1, NaN, 1e9]) {
      expect(() => rankQuotes([quote({})], { weights: { time: weight } })).toThrow('The weight of time');
    }
    const nothing = Object.fromEntries(rankingCriteria.map((criterion) => [criterion, 0]));
    expect(() => rankQuotes([quote({})], { weights: nothing })).toThrow('At least one weight');
    expect(() => rankQuotes([quote({})], { budget: 0 })).toThrow('The budget');
  });
});

describe('every ranking', () => {
  const drawn = fc.record({
    price: fc.integer({ min: 1, max: 200_000 }),
    blockMinutes: fc.integer({ min: 30, max: 2_000 }),
    seats: fc.integer({ min: 4, max: 16 }),
    category: fc.constantFrom(...aircraftCategories),
    operatorRating: fc.integer({ min: 0, max: 50 }).map((tenths) => tenths / 10),
    fuelStopCount: fc.integer({ min: 0, max: 4 }),
  });
  const detailed = fc
    .array(drawn, { minLength: 1, maxLength: 30 })
    .map((all) => all.map((one, at) => quote({ ...one, id: `q${at}` })));
  const bare = detailed.map((all) => all.map(({ id, operatorName, price }) => ({ id, operatorName, price })));
  const quotes: fc.Arbitrary<RankableQuote[]> = fc.oneof(
    detailed,
    bare,
    detailed.map((all) =>
      all.map((one, at) => (at % 3 === 1 ? { id: one.id, operatorName: 'x', price: one.price } : one)),
    ),
  );
  const weight = fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined });
  const preferences = fc.record({
    weights: fc.record({
      price: fc.integer({ min: 1, max: 100 }),
      time: fc.integer({ min: 0, max: 100 }),
      comfort: fc.integer({ min: 0, max: 100 }),
    }),
    budget: fc.integer({ min: 1, max: 300_000 }),
  });

  it('is the same whatever the order, within 0 and 100, and sums to its points', () => {
    fc.assert(
      fc.property(quotes, preferences, weight, (some, wish, stops) => {
        const weights = { ...wish.weights, ...(stops !== undefined && { stops }) };
        const found = rankQuotes(some, { ...wish, weights });
        expect(rankQuotes(some.toReversed(), { ...wish, weights })).toEqual(found);
        expect(found.map(({ rank }) => rank)).toEqual(found.map((_, at) => at + 1));
        for (const { score, criteria } of found) {
          expect(score).toBeGreaterThanOrEqual(0);
          // Each of six points may have been rounded up by half a hundredth.
          expect(score).toBeLessThanOrEqual(100.03);
          expect(criteria.reduce((sum, { points }) => sum + Math.round(points * 100), 0)).toBe(
            Math.round(score * 100),
          );
          expect(criteria.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
        }
      }),
    );
  });

  it('never lowers a quote whose price drops', () => {
    fc.assert(
      fc.property(
        quotes,
        preferences,
        fc.nat(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (some, wish, pick, factor) => {
          const chosen = some[pick % some.length]!;
          const cheaper = some.map((one) => (one === chosen ? { ...one, price: one.price * factor } : one));
          const rankOf = (list: readonly RankableQuote[]) =>
            rankQuotes(list, wish).find(({ id }) => id === chosen.id)!.rank;
          expect(rankOf(cheaper)).toBeLessThanOrEqual(rankOf(some));
        },
      ),
      { numRuns: 300 },
    );
  });
});
