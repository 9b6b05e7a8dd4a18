import type { Airport } from '../../../integrations/airports/airport';
import { greatCircleNm, initialCourse } from '../../../integrations/airports/great-circle';
import type { AircraftCategory } from '../quote';
import { assumptions } from './charter-assumptions';

export interface Performance {
  readonly category: AircraftCategory;
  readonly seats: number;
  readonly rangeNm: number;
  readonly cruiseKt: number;
  readonly runwayFt: number;
}

/** From one take-off to the next landing. */
export interface Sector {
  readonly from: Airport;
  readonly to: Airport;
  readonly distanceNm: number;
  /** Through the air, against or with the wind. */
  readonly airNm: number;
  readonly minutes: number;
}

/** From one airport to another, with stops for fuel where the range demands them. */
export interface Flight {
  readonly from: Airport;
  readonly to: Airport;
  readonly sectors: readonly Sector[];
  readonly distanceNm: number;
  /** In the air and on taxiways. */
  readonly flightMinutes: number;
  /** With the time at fuel stops. */
  readonly blockMinutes: number;
}

interface Route {
  readonly distanceNm: number;
  /** 1 due east, -1 due west. */
  readonly eastness: number;
  readonly isTropical: boolean;
}

const MAX_REMEMBERED_ROUTES = 20_000;
const MIN_GROUND_SPEED_SHARE = 0.5;
const routes = new Map<string, Route>();

/** How far an aircraft gets with so many passengers, its reserve left. */
export function usableRangeNm({ rangeNm, cruiseKt, seats }: Performance, passengers: number): number {
  const lost = (1 - assumptions.fullCabinRangePercent / 100) * (passengers / seats);
  return rangeNm * (1 - lost) - (cruiseKt * assumptions.reserveMinutes) / 60;
}

/** What the aircraft needs at the height of an airport, in feet. */
export function runwayNeedFt({ runwayFt }: Performance, { elevationFt }: Airport): number {
  const thousands = Math.max(0, elevationFt ?? 0) / 1_000;
  return Math.ceil(runwayFt * (1 + (assumptions.runwayPercentPer1000Ft / 100) * thousands));
}

export function canUse(aircraft: Performance, airport: Airport): boolean {
  return airport.runwayFt >= runwayNeedFt(aircraft, airport);
}

export function sector(aircraft: Performance, from: Airport, to: Airport): Sector {
  const { distanceNm, eastness, isTropical } = routeOf(from, to);
  const { cruiseKt, category } = aircraft;
  const westerlyKt =
    (isTropical ? assumptions.tropicalWindKt : assumptions.jetWindKt) / (category === 'turboprop' ? 3 : 1);
  const helpKt = westerlyKt * eastness * (eastness > 0 ? assumptions.tailwindShare : 1);
  const groundKt = Math.max(cruiseKt + helpKt, cruiseKt * MIN_GROUND_SPEED_SHARE);
  const trackNm = (distanceNm * assumptions.routingPercent) / 100;
  const airNm = (trackNm * cruiseKt) / groundKt;
  const minutes = Math.ceil((airNm / cruiseKt) * 60) + assumptions.taxiMinutes + assumptions.climbMinutes;
  return { from, to, distanceNm: Math.round(distanceNm), airNm, minutes };
}

/** The flight with the fewest stops, at most two, and of those the shortest; undefined when it is out of range. */
export function planFlight(
  aircraft: Performance,
  [from, to]: readonly [Airport, Airport],
  passengers: number,
  fuelStops: readonly Airport[],
): Flight | undefined {
  const range = usableRangeNm(aircraft, passengers);
  const reach = (a: Airport, b: Airport): Sector | undefined => {
    const flown = sector(aircraft, a, b);
    return flown.airNm <= range ? flown : undefined;
  };
  const direct = reach(from, to);
  if (direct !== undefined) return flightOf(from, to, [direct]);
  const usable = fuelStops.filter((stop) => stop !== from && stop !== to && canUse(aircraft, stop));
  const firsts = defined(usable.map((stop) => reach(from, stop)));
  const lasts = new Map(defined(usable.map((stop) => reach(stop, to))).map((last) => [last.from.icao, last]));
  const withOne = defined(firsts.map((first) => together(first, lasts.get(first.to.icao))));
  const sectors = shortest(withOne) ?? shortest(withTwo(firsts, [...lasts.values()], reach));
  return sectors === undefined ? undefined : flightOf(from, to, sectors);
}

function withTwo(
  firsts: readonly Sector[],
  lasts: readonly Sector[],
  reach: (a: Airport, b: Airport) => Sector | undefined,
): Sector[][] {
  let bestNm = Infinity;
  let best: Sector[] | undefined;
  for (const first of firsts) {
    for (const last of lasts) {
      if (first.distanceNm + last.distanceNm >= bestNm || first.to === last.from) continue;
      const middle = reach(first.to, last.from);
      if (middle === undefined) continue;
      const nm = first.distanceNm + middle.distanceNm + last.distanceNm;
      if (nm < bestNm) [bestNm, best] = [nm, [first, middle, last]];
    }
  }
  return best === undefined ? [] : [best];
}

function together(first: Sector, last: Sector | undefined): Sector[] | undefined {
  return last === undefined ? undefined : [first, last];
}

function shortest(candidates: readonly Sector[][]): Sector[] | undefined {
  return candidates.toSorted((a, b) => lengthOf(a) - lengthOf(b))[0];
}

function lengthOf(sectors: readonly Sector[]): number {
  return sectors.reduce((sum, { distanceNm }) => sum + distanceNm, 0);
}

function flightOf(from: Airport, to: Airport, sectors: readonly Sector[]): Flight {
  const flightMinutes = sectors.reduce((sum, { minutes }) => sum + minutes, 0);
  const blockMinutes = flightMinutes + (sectors.length - 1) * assumptions.fuelStopMinutes;
  return { from, to, sectors, distanceNm: lengthOf(sectors), flightMinutes, blockMinutes };
}

function routeOf(from: Airport, to: Airport): Route {
  const key = `${from.icao} ${to.icao}`;
  const known = routes.get(key);
  if (known !== undefined) return known;
  const radians = Math.PI / 180;
  const begins = Math.sin(initialCourse(from, to) * radians);
  const ends = -Math.sin(initialCourse(to, from) * radians);
  const latitude = Math.abs((from.latitude + to.latitude) / 2);
  const route = {
    distanceNm: greatCircleNm(from, to),
    eastness: (begins + ends) / 2,
    isTropical: latitude < 25 || latitude > 65,
  };
  if (routes.size >= MAX_REMEMBERED_ROUTES) routes.clear();
  routes.set(key, route);
  return route;
}

function defined<T>(things: readonly (T | undefined)[]): T[] {
  return things.filter((thing) => thing !== undefined);
}
