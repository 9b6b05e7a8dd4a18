import fc from 'fast-check';
import { EmbeddedAirports } from '../../../integrations/airports/embedded-airports';
import type { Period } from '../aircraft-availability';
import type { Aircraft, AircraftWish } from '../agents.tables';
import { defaultFleet } from '../default-fleet';
import { aircraftId } from '../fleet.store';
import type { FlightLegWish, FlightSearchWish, Quote } from '../quote';
import { assumptions } from './charter-assumptions';
import { FlightSearchWishError } from './flight-search-wish';
import { FlightSearch } from './flight-search.service';
import { fuelStopCodes } from './fuel-stops';
import { canUse, sector, usableRangeNm } from './sector-plan';

const airports = new EmbeddedAirports();
const signal = new AbortController().signal;
const tenant = 'acme';

const rowOf = (wish: AircraftWish): Aircraft => ({
  ...wish,
  tenant,
  id: aircraftId(tenant, wish.registration),
  version: 1,
  createdAt: new Date(0),
  updatedAt: new Date(0),
});
const wholeFleet = defaultFleet.map(rowOf);
const [phenom] = wholeFleet.filter(
  ({ type, homeBase }) => type === 'Embraer Phenom 300E' && homeBase === 'KTEB',
);

/** A search over a fleet that lies in memory; who keeps it is tested with the database. */
function searchOver(fleet: readonly Aircraft[], taken = new Map<string, Period[]>()): FlightSearch {
  const store = { active: async () => fleet };
  return new FlightSearch(store as never, { takenPeriods: async () => taken }, airports);
}

const leg = (departure: string, arrival: string, date = '2027-03-05', time?: string): FlightLegWish => ({
  departure,
  arrival,
  date,
  ...(time !== undefined && { time }),
});
const wishOf = (legs: readonly FlightLegWish[], passengers = 4): FlightSearchWish => ({
  tenant,
  legs,
  passengers,
});
const one = (change: Partial<AircraftWish>): Aircraft => ({ ...phenom!, ...change });
const quoteOf = async (aircraft: Aircraft, ...legs: FlightLegWish[]): Promise<Quote | string | undefined> => {
  const { quotes, rejected } = await searchOver([aircraft]).search(wishOf(legs), signal);
  return quotes[0] ?? rejected[0]?.reason;
};
const amounts = (quote: unknown) =>
  Object.fromEntries((quote as Quote).lines.map(({ code, amountCents }) => [code, amountCents]));

describe('the samples and the fuel stops', () => {
  it('are at airports that exist, which take the aircraft that are at home there', () => {
    for (const code of fuelStopCodes) expect([code, airports.byCode(code)?.icao]).toEqual([code, code]);
    for (const aircraft of wholeFleet) {
      const home = airports.byCode(aircraft.homeBase);
      expect([aircraft.type, aircraft.homeBase, home !== undefined && canUse(aircraft, home)]).toEqual([
        aircraft.type,
        aircraft.homeBase,
        true,
      ]);
    }
  });
});

describe('quotes', () => {
  it('are made for a round trip, cheapest first, and explain their price', async () => {
    const wish = {
      ...wishOf([leg('TEB', 'VNY', '2027-03-05', '09:00'), leg('VNY', 'TEB', '2027-03-07')]),
      budget: 50_000,
    };
    const { quotes, rejected } = await searchOver(wholeFleet).search(wish, signal);
    expect(quotes.length).toBeGreaterThan(20);
    expect(quotes.length + rejected.reduce((sum, { count }) => sum + count, 0)).toBe(wholeFleet.length);
    const prices = quotes.map(({ priceCents }) => priceCents);
    expect(prices).toEqual(prices.toSorted((a, b) => a - b));
    const dear = quotes.at(-1);
    expect(dear?.notes.find((note) => note.includes('over the budget'))).toMatch(
      /^This is \$[\d,]+\.\d\d over the budget of \$50,000\.00\.$/,
    );
    expect(dear).toMatchObject({
      currency: 'USD',
      passengers: 4,
      legs: [{ departure: 'KTEB', arrival: 'KVNY' }, {}],
    });
    expect(quotes.every(({ legs }) => legs[0]?.departsAt === '2027-03-05T09:00:00-05:00')).toBe(true);
  });

  it('say what each line is for, to the cent', async () => {
    const quote = (await quoteOf(
      one({ minimumHoursPerDay: 0 }),
      leg('TEB', 'PBI', '2027-03-05', '09:00'),
      leg('PBI', 'TEB', '2027-03-05', '15:00'),
    )) as Quote;
    const [out, back] = quote.legs;
    expect(quote.blockMinutes).toBe(out!.blockMinutes + back!.blockMinutes);
    const flightTime = Math.round((quote.blockMinutes * phenom!.hourlyUsd * 100) / 60);
    // A light jet at a large and a medium airport; Teterboro is its home, where it needs no handling.
    expect(amounts(quote)).toEqual({ 'flight-time': flightTime, landing: 22_000 + 14_300, handling: 50_000 });
    expect(quote.price).toBe(quote.priceCents / 100);
  });

  it('charge the flight to the first departure and home, unless the aircraft stays where the trip ends', async () => {
    const trip = leg('PBI', 'OPF', '2027-03-05', '14:00');
    const bothWays = (await quoteOf(one({ positioning: 'return' }), trip)) as Quote;
    const oneWay = (await quoteOf(one({ positioning: 'one-way' }), trip)) as Quote;
    expect(bothWays.lines.find(({ code }) => code === 'positioning')?.description).toContain(
      'KTEB–KPBI, KOPF–KTEB',
    );
    expect(oneWay.lines.find(({ code }) => code === 'positioning')?.description).toMatch(/\(KTEB–KPBI\)/);
    expect(oneWay.priceCents).toBeLessThan(bothWays.priceCents);
    expect(oneWay.notes.join()).toContain('stays where the trip ends');
  });

  it('charge nights away and the hours that are paid for at least', async () => {
    const legs = [leg('TEB', 'ACK', '2027-03-05', '09:00'), leg('ACK', 'TEB', '2027-03-06', '12:00')];
    const quote = await quoteOf(one({ minimumHoursPerDay: 2 }), ...legs);
    expect(amounts(quote)).toMatchObject({ 'crew-overnight': 100_000, parking: 13_000 * 0.65 });
    const paidMinutes = ['flight-time', 'minimum-hours'].reduce(
      (sum, code) => sum + (amounts(quote)[code] ?? 0),
      0,
    );
    expect(Math.abs(paidMinutes - 4 * phenom!.hourlyUsd * 100)).toBeLessThanOrEqual(2);
  });

  it('send the aircraft home when that costs less than to wait', async () => {
    const quote = (await quoteOf(
      phenom!,
      leg('TEB', 'ACK', '2027-03-01'),
      leg('ACK', 'TEB', '2027-03-20'),
    )) as Quote;
    expect(quote.notes.join()).toContain('goes home');
    expect(amounts(quote)['crew-overnight']).toBeUndefined();
  });

  it('bring the aircraft to another departure after the crew has rested, when the day would be too long', async () => {
    const jet = one({ rangeNm: 5_000, cruiseKt: 380 });
    const quote = (await quoteOf(
      jet,
      leg('TEB', 'VNY', '2027-03-05', '09:00'),
      leg('PBI', 'TEB', '2027-03-08', '12:00'),
    )) as Quote;
    expect(quote.lines.find(({ code }) => code === 'positioning')?.description).toContain('KVNY–KPBI');
    expect(amounts(quote)['crew-overnight']).toBe(3 * 100_000);
  });

  it('stop for fuel where the range demands it, and count the time', async () => {
    const quote = (await quoteOf(phenom!, leg('TEB', 'VNY'))) as Quote;
    expect(quote.fuelStopCount).toBe(1);
    expect(quote.legs[0]!.fuelStops).toEqual([
      { airport: expect.stringMatching(/^[A-Z]{4}$/), minutes: assumptions.fuelStopMinutes },
    ]);
    expect(((await quoteOf(one({ rangeNm: 5_000 }), leg('TEB', 'VNY'))) as Quote).fuelStopCount).toBe(0);
    expect(await quoteOf(one({ rangeNm: 1_300 }), leg('LTN', 'NCE'))).toBe('positioning_out_of_range');
    expect(await quoteOf(phenom!, leg('LAX', 'SYD'))).toBe('out_of_range');
  });

  it('are longer against the wind than with it', async () => {
    const west = (await quoteOf(one({ rangeNm: 6_000 }), leg('TEB', 'VNY'))) as Quote;
    const east = (await quoteOf(one({ rangeNm: 6_000 }), leg('VNY', 'TEB'))) as Quote;
    expect(west.blockMinutes).toBeGreaterThan(east.blockMinutes);
    // A business jet takes about 5 to 6 hours west and 5 east.
    expect(west.blockMinutes).toBeGreaterThan(300);
    expect(west.blockMinutes).toBeLessThan(390);
  });

  it.each([
    ['too_few_seats', { seats: 3 }, leg('TEB', 'PBI')],
    ['runway_too_short', { runwayFt: 6_000 }, leg('TEB', 'LCY')],
    // 5,900 ft at sea level are not enough 7,820 ft above it.
    ['runway_too_short', { runwayFt: 5_900 }, leg('TEB', 'ASE')],
    ['curfew', {}, leg('LCY', 'GVA', '2027-03-06', '14:00')],
    ['curfew', {}, leg('TEB', 'ASE', '2027-03-06', '21:30')],
    ['curfew', {}, leg('SNA', 'LAS', '2027-03-07', '07:30')],
    ['out_of_range', {}, leg('TEB', 'SYD')],
  ] as const)('are refused: %s', async (reason, change, wish) => {
    expect(await quoteOf(one(change), wish)).toBe(reason);
  });

  it('find a time of the day that curfews allow when none is asked for', async () => {
    // On Sundays London City opens at 12:30.
    const quote = (await quoteOf(one({ homeBase: 'EGLF' }), leg('LCY', 'GVA', '2027-03-07'))) as Quote;
    expect(quote.legs[0]!.departsAt).toBe('2027-03-07T12:30:00+00:00');
  });

  it('put legs of one day behind each other, and refuse those that overlap', async () => {
    const [morning, noon] = [
      leg('TEB', 'PBI', '2027-03-05', '09:00'),
      leg('PBI', 'TEB', '2027-03-05', '10:00'),
    ];
    expect(await quoteOf(phenom!, morning, noon)).toBe('legs_overlap');
    const quote = (await quoteOf(phenom!, morning, leg('PBI', 'TEB'))) as Quote;
    expect(Date.parse(quote.legs[1]!.departsAt)).toBeGreaterThan(Date.parse(quote.legs[0]!.arrivesAt));
  });

  it('let no crew work too long, and take a second one where there is a place to rest', async () => {
    const long = [leg('TEB', 'PBI', '2027-03-05', '06:00'), leg('PBI', 'TEB', '2027-03-05', '19:00')];
    expect(await quoteOf(phenom!, ...long)).toBe('crew_duty');
    const global = wholeFleet.find(
      ({ type, homeBase }) => type === 'Gulfstream G650ER' && homeBase === 'KTEB',
    );
    const quote = (await quoteOf(global!, leg('TEB', 'DWC', '2027-03-05', '09:00'))) as Quote;
    expect(amounts(quote)['second-crew']).toBe(2 * assumptions.secondCrewUsdPerDuty * 100);
  });

  it('leave out aircraft that are booked or not offered at the time', async () => {
    const trip = wishOf([leg('TEB', 'PBI', '2027-03-05', '09:00')]);
    const at = (from: string, until: string) => ({ from: new Date(from), until: new Date(until) });
    const reasons = async (taken: Period[], change: Partial<AircraftWish> = {}) =>
      (await searchOver([one(change)], new Map([[phenom!.id, taken]])).search(trip, signal)).rejected.map(
        ({ reason }) => reason,
      );
    expect(await reasons([at('2027-03-05T16:00:00Z', '2027-03-05T17:00:00Z')])).toEqual(['unavailable']);
    expect(await reasons([at('2027-03-01T16:00:00Z', '2027-03-04T17:00:00Z')])).toEqual([]);
    const window = { from: '2027-03-05T00:00:00Z', until: '2027-03-06T12:00:00Z' };
    expect(await reasons([], { availability: [window] })).toEqual([]);
    expect(await reasons([], { availability: [{ ...window, until: '2027-03-05T15:00:00Z' }] })).toEqual([
      'unavailable',
    ]);
  });

  it('say that a runway is assumed where no source tells it', async () => {
    const assumed = airports.find('Samedan')[0]?.airport.runwayFrom;
    expect(assumed).toBe('published');
    const unknown = airports.byCode('UTFA');
    if (unknown?.runwayFrom !== 'derived')
      throw new Error('Andizhan has a known runway now; take another airport.');
    const quote = (await quoteOf(one({ homeBase: 'OMDW' }), leg('DWC', unknown.icao))) as Quote;
    expect(quote.notes.join()).toContain(`No source tells the runway of ${unknown.icao}`);
  });

  it('stop when they are told to', async () => {
    const stopped = AbortSignal.abort(new Error('enough'));
    await expect(searchOver(wholeFleet).search(wishOf([leg('TEB', 'VNY')]), stopped)).rejects.toThrow(
      'enough',
    );
  });

  it('are at most fifty, of however many aircraft', async () => {
    const fleet = Array.from({ length: 1_000 }, (_, index) =>
      rowOf({ ...phenom!, registration: `N${index}` }),
    );
    const { quotes } = await searchOver(fleet).search(wishOf([leg('TEB', 'PBI')]), signal);
    expect(quotes).toHaveLength(50);
    expect(new Set(quotes.map(({ id }) => id)).size).toBe(50);
  });
});

describe('a wish that cannot be done', () => {
  const faultsOf = async (wish: object) => {
    const error: unknown = await searchOver([])
      .search({ tenant, passengers: 1, legs: [], ...wish }, signal)
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof FlightSearchWishError)) throw new Error('It was not refused.');
    return error.faults.map(({ pointer }) => pointer);
  };

  it('is refused with a pointer to each fault', async () => {
    expect(await faultsOf({ passengers: 0 })).toEqual(['#/passengers', '#/legs']);
    expect(await faultsOf({ passengers: 1.5, budget: -1, legs: Array(11).fill(leg('TEB', 'VNY')) })).toEqual([
      '#/passengers',
      '#/budget',
      '#/legs',
    ]);
    expect(await faultsOf({ legs: [leg('TEB', 'TEB', '2027-02-30', '9:00')] })).toEqual([
      '#/legs/0/arrival',
      '#/legs/0/date',
      '#/legs/0/time',
    ]);
    expect(await faultsOf({ legs: [leg('Teterboro', 'XXX')] })).toEqual([
      '#/legs/0/departure',
      '#/legs/0/arrival',
    ]);
    expect(
      await faultsOf({ legs: [leg('TEB', 'VNY', '2027-03-05'), leg('VNY', 'TEB', '2027-03-01')] }),
    ).toEqual(['#/legs/1/date']);
    expect(
      await faultsOf({ legs: [leg('TEB', 'VNY', '2027-03-05'), leg('VNY', 'TEB', '2027-09-01')] }),
    ).toEqual(['#/legs/1/date']);
  });

  it('is told which airport may be meant', async () => {
    const refused = searchOver([]).search(wishOf([leg('Teterborro', 'VNY')]), signal);
    await expect(refused).rejects.toThrow('perhaps KTEB, Teterboro Airport');
  });
});

describe('every quote', () => {
  const codes = [
    'TEB',
    'VNY',
    'PBI',
    'ASE',
    'LCY',
    'GVA',
    'LTN',
    'LBG',
    'NCE',
    'DWC',
    'WSSL',
    'HND',
    'JNB',
    'GRU',
    'SYD',
    'KEF',
    'PPT',
    'ANC',
    'LUG',
    'EGE',
  ];
  const time = fc.option(
    fc
      .integer({ min: 0, max: 47 })
      .map((half) => `${String(half >> 1).padStart(2, '0')}:${half % 2 === 0 ? '00' : '30'}`),
    { nil: undefined, freq: 1 },
  );
  const pair = fc.uniqueArray(fc.constantFrom(...codes), { minLength: 2, maxLength: 2 });
  const day = (days: number) => new Date(Date.UTC(2027, 2, 1 + days)).toISOString().slice(0, 10);
  // Mostly from where the leg before ended, sometimes from elsewhere.
  const legs = fc
    .array(
      fc.record({ places: pair, daysLater: fc.integer({ min: 0, max: 12 }), at: time, goesOn: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((drawn) => {
      let on = 0;
      let here = '';
      return drawn.map(({ places: [from = '', to = ''], daysLater, at, goesOn }) => {
        on += daysLater;
        const departure = goesOn && here !== '' && here !== to ? here : from;
        here = to;
        return leg(departure, to, day(on), at);
      });
    });
  const fleets = fc.shuffledSubarray(wholeFleet, { minLength: 1, maxLength: 12 });

  it('sums exactly, stays within range, seats and runways, and is the same when asked again', async () => {
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(legs, fleets, fc.integer({ min: 1, max: 9 }), async (drawn, fleet, passengers) => {
        const wish = wishOf(drawn, passengers);
        const found = await searchOver(fleet).search(wish, signal);
        const again = await searchOver(fleet.toReversed()).search(structuredClone(wish), signal);
        expect(again).toEqual(found);
        expect(found.quotes.length + found.rejected.reduce((sum, { count }) => sum + count, 0)).toBe(
          fleet.length,
        );
        for (const quote of found.quotes) {
          seen += 1;
          expect(quote.lines.reduce((sum, { amountCents }) => sum + amountCents, 0)).toBe(quote.priceCents);
          expect(
            quote.lines.every(({ amountCents }) => Number.isSafeInteger(amountCents) && amountCents > 0),
          ).toBe(true);
          expectFlyable(quote, fleet, passengers);
        }
      }),
      { numRuns: 500, seed: 7 },
    );
    expect(seen).toBeGreaterThan(100);
  });

  function expectFlyable(
    { aircraft: { id }, legs: flown }: Quote,
    fleet: readonly Aircraft[],
    passengers: number,
  ): void {
    const aircraft = fleet.find((candidate) => candidate.id === id)!;
    expect(aircraft.seats).toBeGreaterThanOrEqual(passengers);
    let before = -Infinity;
    for (const { departure, arrival, fuelStops, departsAt, arrivesAt, blockMinutes } of flown) {
      const places = [departure, ...fuelStops.map(({ airport }) => airport), arrival].map((code) =>
        airports.byCode(code)!,
      );
      expect(places.every((place) => canUse(aircraft, place))).toBe(true);
      for (const [index, to] of places.slice(1).entries()) {
        expect(sector(aircraft, places[index]!, to).airNm).toBeLessThanOrEqual(
          usableRangeNm(aircraft, passengers),
        );
      }
      expect(Date.parse(arrivesAt) - Date.parse(departsAt)).toBe(blockMinutes * 60_000);
      expect(Date.parse(departsAt)).toBeGreaterThan(before);
      before = Date.parse(arrivesAt);
    }
  }

  it('costs no less when an hour of the aircraft costs more', async () => {
    await fc.assert(
      fc.asyncProperty(
        pair,
        fc.constantFrom(...wholeFleet),
        fc.integer({ min: 1, max: 5_000 }),
        async ([from, to], aircraft, more) => {
          const priced = async (hourlyUsd: number) =>
            (await searchOver([{ ...aircraft, hourlyUsd }]).search(wishOf([leg(from!, to!)]), signal))
              .quotes[0]?.priceCents;
          const usual = await priced(aircraft.hourlyUsd);
          if (usual !== undefined) expect(await priced(aircraft.hourlyUsd + more)).toBeGreaterThan(usual);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });
});
