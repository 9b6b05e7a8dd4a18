import { Airports, type Airport } from '../../../integrations/airports/airport';
import type { FlightLegWish, FlightSearchWish } from '../quote';
import { minutesOf } from './curfews';
import type { ResolvedLeg } from './trip-schedule';
import type { TripWish } from './trip-plan';

const MAX_LEGS = 10;
const MAX_PASSENGERS = 500;
const MAX_TRIP_DAYS = 60;
const MAX_BUDGET = 100_000_000;
const MAX_SHOWN = 40;
const DAY_MS = 86_400_000;

export interface WishFault {
  /** JSON pointer into the wish: `#/legs/0/departure`. */
  readonly pointer: string;
  readonly detail: string;
}

/** The search cannot be done as it is asked for, however often it is repeated. */
export class FlightSearchWishError extends Error {
  override readonly name = 'FlightSearchWishError';

  constructor(readonly faults: readonly WishFault[]) {
    super(faults.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; '));
  }
}

/** The legs with their airports. Throws {@link FlightSearchWishError} with every fault. */
export function resolveWish({ legs, passengers, budget }: FlightSearchWish, airports: Airports): TripWish {
  const faults: WishFault[] = [];
  const check = (isRight: boolean, pointer: string, detail: string) => {
    if (!isRight) faults.push({ pointer, detail });
  };
  const isCount = Number.isInteger(passengers) && passengers >= 1 && passengers <= MAX_PASSENGERS;
  check(isCount, '#/passengers', `must be a whole number from 1 to ${MAX_PASSENGERS}`);
  const isBudget = budget === undefined || (Number.isFinite(budget) && budget > 0 && budget <= MAX_BUDGET);
  check(isBudget, '#/budget', `must be above 0 and at most ${MAX_BUDGET} US dollars`);
  const isList = Array.isArray(legs) && legs.length >= 1 && legs.length <= MAX_LEGS;
  check(isList, '#/legs', `must be 1 to ${MAX_LEGS} legs`);
  const resolved = isList
    ? legs.map((leg, index) => resolveLeg(leg, `#/legs/${index}`, airports, faults))
    : [];
  if (faults.length === 0) checkDates(resolved, check);
  if (faults.length > 0) throw new FlightSearchWishError(faults);
  return { legs: resolved.filter((leg) => leg !== undefined), passengers };
}

function resolveLeg(
  { departure, arrival, date, time }: FlightLegWish,
  at: string,
  airports: Airports,
  faults: WishFault[],
): ResolvedLeg | undefined {
  const [from, to] = [airportOf(departure, airports), airportOf(arrival, airports)];
  if (from === undefined) faults.push({ pointer: `${at}/departure`, detail: unknown(departure, airports) });
  if (to === undefined) faults.push({ pointer: `${at}/arrival`, detail: unknown(arrival, airports) });
  if (from !== undefined && from === to) {
    faults.push({ pointer: `${at}/arrival`, detail: 'must be another airport than the departure' });
  }
  if (!isDate(date)) faults.push({ pointer: `${at}/date`, detail: 'must be a date such as 2027-01-31' });
  if (time !== undefined && !/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(time)) {
    faults.push({ pointer: `${at}/time`, detail: 'must be a time of the day such as 09:30' });
  }
  if (from === undefined || to === undefined) return undefined;
  return { from, to, date, ...(time !== undefined && { minutes: minutesOf(time) }) };
}

function checkDates(
  legs: readonly (ResolvedLeg | undefined)[],
  check: (isRight: boolean, pointer: string, detail: string) => void,
): void {
  const dates = legs.map((leg) => Date.parse(`${leg?.date}T00:00:00Z`));
  for (const [index, date] of dates.entries()) {
    const before = dates[index - 1] ?? date;
    // Over the date line the next leg can begin the day before.
    check(date >= before - DAY_MS, `#/legs/${index}/date`, 'must not be before that of the leg before');
    const isNear = date - (dates[0] ?? date) <= MAX_TRIP_DAYS * DAY_MS;
    check(isNear, `#/legs/${index}/date`, `must be within ${MAX_TRIP_DAYS} days of the first leg`);
  }
}

function isDate(date: unknown): date is string {
  if (typeof date !== 'string' || !/^20\d\d-\d\d-\d\d$/.test(date)) return false;
  const parsed = Date.parse(`${date}T00:00:00Z`);
  // JavaScript takes the 31st of June for the 1st of July.
  return !Number.isNaN(parsed) && new Date(parsed).toISOString().startsWith(date);
}

function airportOf(code: unknown, airports: Airports): Airport | undefined {
  return typeof code === 'string' ? airports.byCode(code) : undefined;
}

function unknown(code: unknown, airports: Airports): string {
  const text = typeof code === 'string' ? code.slice(0, MAX_SHOWN) : typeof code;
  const [guess] = airports.find(text, 1);
  const advice = guess === undefined ? '' : `; perhaps ${guess.airport.icao}, ${guess.airport.name}`;
  return `must be the IATA or ICAO code of an airport, which "${text}" is not${advice}`;
}
