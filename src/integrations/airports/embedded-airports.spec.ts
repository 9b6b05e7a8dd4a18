import fc from 'fast-check';
import { readAirportTable } from './airport-table';
import { plainText, typingErrors } from './airport-text';
import { businessAirports, runwayCorrectionsFt } from './business-airports';
import { EmbeddedAirports } from './embedded-airports';

describe('the embedded airports', () => {
  const airports = new EmbeddedAirports();
  const firstOf = (text: string) => airports.find(text)[0]?.airport.icao;
  const codesOf = (text: string, limit?: number) =>
    airports.find(text, limit).map(({ airport }) => airport.icao);

  it('know an airport by either code, in any case', () => {
    expect(airports.byCode('KTEB')).toBe(airports.byCode('teb'));
    expect(airports.byCode('Teb')).toMatchObject({
      icao: 'KTEB',
      iata: 'TEB',
      city: 'Teterboro',
      country: 'US',
      region: 'US-NJ',
      elevationFt: 9,
      timeZone: 'America/New_York',
      runwayFt: 6_997,
      runwayFrom: 'published',
      businessFit: 3,
    });
    for (const code of ['', 'QQQQ', 'TETERBORO', '__proto__', 'constructor', '\0\0\0']) {
      expect([code, airports.byCode(code)]).toEqual([code, undefined]);
    }
  });

  it.each([
    ['Teterboro', 'KTEB'],
    ['van nuys', 'KVNY'],
    ['Le Bourget', 'LFPB'],
    ['Luton', 'EGGW'],
    ['FARNBOROUGH', 'EGLF'],
    ['Biggin Hill', 'EGKB'],
    ['Opa-locka', 'KOPF'],
    ['Love Field', 'KDAL'],
    ['Genève', 'LSGG'],
    ['zürich', 'LSZH'],
    ['ZURICH', 'LSZH'],
    ['St. Moritz', 'LSZS'],
    ["Martha's Vineyard", 'KMVY'],
    ['marthas vineyard', 'KMVY'],
    ['St. Louis', 'KSTL'],
    ['São Paulo', 'SBJH'],
    ['Nice', 'LFMN'],
    ['Aspen', 'KASE'],
    ['Vail', 'KEGE'],
    ['New York', 'KTEB'],
    ['Los Angeles', 'KVNY'],
    ['Paris', 'LFPB'],
    ['Heathrow', 'EGLL'],
    ['London Heathrow', 'EGLL'],
    ['John F Kennedy', 'KJFK'],
    ['Charles de Gaulle', 'LFPG'],
    ['JFK', 'KJFK'],
    ['egll', 'EGLL'],
    ['Dubai', 'OMDW'],
    ['Reykjavik', 'BIRK'],
  ])('find %s', (text, icao) => expect(firstOf(text)).toBe(icao));

  it.each([
    ['Teterborro', 'KTEB'],
    ['Terteboro', 'KTEB'],
    ['Farnbourough', 'EGLF'],
    ['Scotsdale', 'KSDL'],
    ['Van Nyus', 'KVNY'],
    ['Genevva', 'LSGG'],
  ])('understand %s in spite of the typing error', (text, icao) => {
    expect(airports.find(text)[0]).toMatchObject({ matchedBy: 'typo', airport: { icao } });
  });

  it.each([
    ['Paris, France', 'LFPB', 'FR'],
    ['Paris, Texas', 'KPRX', 'US'],
    ['London UK', 'EGLF', 'GB'],
    ['London, Ontario, Canada', undefined, undefined],
    ['Naples, Italy', 'LIRN', 'IT'],
    ['Naples FL', 'KAPF', 'US'],
    ['Portland, Maine', 'KPWM', 'US'],
  ])('take the place of %s from the words behind', (text, icao, country) => {
    expect(airports.find(text)[0]?.airport.icao).toBe(icao);
    expect(airports.find(text)[0]?.airport.country).toBe(country);
  });

  it('rank by how well the text fits, then by business aviation and size', () => {
    expect(codesOf('London', 50)).toEqual(expect.arrayContaining(['EGLF', 'EGGW', 'EGKB', 'EGLC', 'EGLL']));
    const scores = airports.find('London', 50).map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(scores.every((score) => score > 0 && score <= 1)).toBe(true);
    expect(codesOf('New York', 3)).toHaveLength(3);
    expect(codesOf('London', 1e9).length).toBeLessThanOrEqual(50);
    expect(codesOf('London', -1)).toEqual([]);
  });

  it('find nothing in what is no place, and do not guess from short words', () => {
    for (const text of ['', '   ', '!!!', 'xq', 'qzxw', 'zzzzqqqqzzzz', 'a'.repeat(1e6), '\0', '%_']) {
      expect([text.slice(0, 20), airports.find(text)]).toEqual([text.slice(0, 20), []]);
    }
  });

  it('take any text, answer the same twice, and never beyond the limit', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.integer({ min: 1, max: 50 }),
        (text, limit) => {
          const found = airports.find(text, limit);
          expect(found.length).toBeLessThanOrEqual(limit);
          expect(airports.find(text, limit)).toEqual(found);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('have each code once, real places, zones and runways', () => {
    const rows = readAirportTable();
    expect(rows.length).toBeGreaterThan(6_500);
    expect(new Set(rows.map(({ airport }) => airport.icao)).size).toBe(rows.length);
    const zones = new Set<string>();
    for (const { airport } of rows) {
      const { icao, latitude, longitude, runwayFt, size, timeZone, name } = airport;
      const isRight =
        Math.abs(latitude) <= 90 &&
        Math.abs(longitude) <= 180 &&
        runwayFt >= 800 &&
        runwayFt <= 18_100 &&
        ['large', 'medium', 'small'].includes(size) &&
        name !== '';
      if (!isRight) throw new Error(`${icao} is no airport.`);
      zones.add(timeZone);
    }
    for (const timeZone of zones) expect(() => new Intl.DateTimeFormat('en', { timeZone })).not.toThrow();
    for (const icao of [...Object.keys(businessAirports), ...Object.keys(runwayCorrectionsFt)]) {
      expect([icao, airports.byCode(icao)?.icao]).toEqual([icao, icao]);
    }
  });

  it('are read once, when they are first needed', () => {
    const fresh = new EmbeddedAirports();
    const startedAt = performance.now();
    const first = fresh.byCode('TEB');
    // Measured: 0.1 to 0.15 s on a busy machine, compiled by Jest.
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(fresh.byCode('KTEB')).toBe(first);
  });
});

describe('texts of airports', () => {
  it('are compared without accents, case and signs', () => {
    expect(plainText('  Côte d’Azur / NICE–(LFMN) ')).toBe('cote dazur nice lfmn');
    expect(plainText('Łódź, Malmö, Tromsø, Großenhain')).toBe('lodz malmo tromso grossenhain');
    expect(plainText('St. Barths, Ft. Myers')).toBe('saint barths fort myers');
  });

  it('count changed, missing, added and swapped letters, up to a bound', () => {
    expect(typingErrors('aspen', 'aspen', 2)).toBe(0);
    expect(typingErrors('apsen', 'aspen', 2)).toBe(1);
    expect(typingErrors('aspn', 'aspen', 2)).toBe(1);
    expect(typingErrors('asspen', 'aspen', 2)).toBe(1);
    expect(typingErrors('aspem', 'aspen', 2)).toBe(1);
    expect(typingErrors('miami', 'aspen', 2)).toBe(3);
  });
});
