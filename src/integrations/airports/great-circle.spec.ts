import fc from 'fast-check';
import { greatCircleNm, initialCourse } from './great-circle';

const at = (latitude: number, longitude: number) => ({ latitude, longitude });
const places = {
  JFK: at(40.6398, -73.7789),
  LHR: at(51.4706, -0.461941),
  LAX: at(33.9425, -118.408),
  SIN: at(1.35019, 103.994),
  EWR: at(40.6925, -74.1687),
  SYD: at(-33.9461, 151.177),
  SCL: at(-33.393, -70.7858),
};

describe('great-circle distance', () => {
  // As the Great Circle Mapper tells them, which computes on the WGS-84 ellipsoid.
  it.each([
    ['JFK', 'LHR', 2_991],
    ['JFK', 'LAX', 2_146],
    ['SIN', 'EWR', 8_285],
    ['SYD', 'SCL', 6_128],
  ] as const)('%s to %s is what charts say, within half a percent', (from, to, expectedNm) => {
    const found = greatCircleNm(places[from], places[to]);
    expect(Math.abs(found - expectedNm) / expectedNm).toBeLessThan(0.005);
  });

  it('is 60 nautical miles for a degree of the equator, and half the Earth at most', () => {
    expect(greatCircleNm(at(0, 0), at(0, 1))).toBeCloseTo(60.04, 2);
    expect(greatCircleNm(at(90, 0), at(-90, 0))).toBeCloseTo(10_807.3, 0);
  });

  it('is the same both ways, never negative, and never shorter by a detour', () => {
    const position = fc.record({
      latitude: fc.double({ min: -90, max: 90, noNaN: true }),
      longitude: fc.double({ min: -180, max: 180, noNaN: true }),
    });
    fc.assert(
      fc.property(position, position, position, (a, b, c) => {
        const direct = greatCircleNm(a, b);
        expect(direct).toBeGreaterThanOrEqual(0);
        expect(Math.abs(direct - greatCircleNm(b, a))).toBeLessThan(1e-6);
        expect(direct).toBeLessThanOrEqual(greatCircleNm(a, c) + greatCircleNm(c, b) + 1e-4);
      }),
    );
  });

  it('begins on the course that leads there', () => {
    expect(initialCourse(at(0, 0), at(0, 10))).toBeCloseTo(90, 6);
    expect(initialCourse(at(0, 0), at(10, 0))).toBeCloseTo(0, 6);
    expect(initialCourse(places.JFK, places.LHR)).toBeCloseTo(51, 0);
  });
});
