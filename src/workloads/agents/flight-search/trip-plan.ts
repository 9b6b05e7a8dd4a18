import type { Airport } from '../../../integrations/airports/airport';
import type { Aircraft } from '../agents.tables';
import { assumptions } from './charter-assumptions';
import { crewsFor, dutyPeriods } from './crew-duty';
import { daysBetween, localTimeAt, MINUTE_MS } from './local-time';
import { isRejection, type RejectionReason } from './rejection';
import { canUse, planFlight, type Flight } from './sector-plan';
import { shorterWait, type Wait } from './trip-wait';
import { scheduleLeg, timed, type ResolvedLeg, type TimedFlight } from './trip-schedule';

/** A trip as one aircraft would fly it. */
export interface TripPlan {
  /** With passengers, one per leg of the wish. */
  readonly legs: readonly TimedFlight[];
  /** Without: to the first departure, between the legs, and home. */
  readonly positioning: readonly TimedFlight[];
  /** Nights away from home, the airport of each. */
  readonly nights: readonly Airport[];
  /** Days for which the aircraft is paid for. */
  readonly days: number;
  /** How many duty periods need a second crew. */
  readonly secondCrews: number;
  readonly notes: readonly string[];
}

export interface TripWish {
  readonly legs: readonly ResolvedLeg[];
  readonly passengers: number;
}

interface Scene {
  readonly aircraft: Aircraft;
  readonly home: Airport;
  readonly fuelStops: readonly Airport[];
}

const REST_MS =
  (assumptions.restMinutes + assumptions.releaseMinutes + assumptions.reportMinutes) * MINUTE_MS;
const BOARDING_MS = assumptions.boardingMinutes * MINUTE_MS;
const TURNAROUND_MS = assumptions.turnaroundMinutes * MINUTE_MS;

/** How an aircraft would fly a trip, or why it cannot. */
export function planTrip(wish: TripWish, scene: Scene): TripPlan | RejectionReason {
  const { aircraft, fuelStops } = scene;
  const { legs, passengers } = wish;
  if (passengers > aircraft.seats) return 'too_few_seats';
  if (!legs.every(({ from, to }) => canUse(aircraft, from) && canUse(aircraft, to)))
    return 'runway_too_short';
  const flights: Flight[] = [];
  for (const { from, to } of legs) {
    const flight = planFlight(aircraft, [from, to], passengers, fuelStops);
    if (flight === undefined) return 'out_of_range';
    flights.push(flight);
  }
  const flown = flyLegs(legs, flights, scene);
  return isRejection(flown) ? flown : completed(flown, scene);
}

interface Flown {
  readonly legs: readonly TimedFlight[];
  readonly between: readonly TimedFlight[];
  readonly waits: readonly Wait[];
}

/** The legs one after the other, and what the aircraft does between them. */
function flyLegs(
  legs: readonly ResolvedLeg[],
  flights: readonly Flight[],
  scene: Scene,
): Flown | RejectionReason {
  const flown: TimedFlight[] = [];
  const between: TimedFlight[] = [];
  const waits: Wait[] = [];
  for (const [index, leg] of legs.entries()) {
    const last = flown.at(-1);
    const transfer = last === undefined ? undefined : ferry(scene, last.flight.to, leg.from);
    if (transfer === 'unreachable') return 'positioning_out_of_range';
    const next = scheduleLeg(
      leg,
      flights[index]!,
      last === undefined ? -Infinity : readyAfter(last, transfer),
    );
    if (isRejection(next)) return next;
    if (last !== undefined) {
      const wait = shorterWait({ last, next, transfer, ...scene, ferry: (a, b) => ferry(scene, a, b) });
      between.push(...wait.flights);
      waits.push(wait);
    }
    flown.push(next);
  }
  return { legs: flown, between, waits };
}

function readyAfter(last: TimedFlight, transfer: Flight | undefined): number {
  if (transfer === undefined) return last.arrives + TURNAROUND_MS;
  return last.arrives + TURNAROUND_MS + transfer.blockMinutes * MINUTE_MS + BOARDING_MS;
}

/** The flights to the first departure and home from the last arrival, and whether the crew may do all that. */
function completed({ legs, between, waits }: Flown, scene: Scene): TripPlan | RejectionReason {
  const { aircraft, home } = scene;
  const [first, last] = [legs[0]!, legs.at(-1)!];
  const out = ferry(scene, home, first.flight.from);
  const back = aircraft.positioning === 'return' ? ferry(scene, last.flight.to, home) : undefined;
  if (out === 'unreachable' || back === 'unreachable') return 'positioning_out_of_range';
  const core = [...legs, ...between].sort((a, b) => a.departs - b.departs);
  const coreCrews = crewsOf(core, scene);
  if (coreCrews === undefined) return 'crew_duty';

  // An empty flight belongs to the first or last day where that costs no further crew, else to a day of its own.
  const attach = (sameDay: TimedFlight, ownDay: TimedFlight, flights: readonly TimedFlight[]) =>
    (crewsOf([...flights, sameDay], scene) ?? Infinity) <= coreCrews ? sameDay : ownDay;
  const outbound =
    out &&
    attach(
      timed(out, first.departs - BOARDING_MS - out.blockMinutes * MINUTE_MS),
      timed(out, first.departs - REST_MS - out.blockMinutes * MINUTE_MS),
      core,
    );
  const withOutbound = [...core, ...(outbound ? [outbound] : [])];
  const inbound =
    back &&
    attach(timed(back, last.arrives + TURNAROUND_MS), timed(back, last.arrives + REST_MS), withOutbound);
  const all = [...withOutbound, ...(inbound ? [inbound] : [])];
  const secondCrews = crewsOf(all, scene);
  if (secondCrews === undefined) return 'crew_duty';

  const restsBefore = outbound !== undefined && first.departs - outbound.arrives >= REST_MS;
  const restsAfter = inbound !== undefined && inbound.departs - last.arrives >= REST_MS;
  const nights = [
    ...(restsBefore ? [first.flight.from] : []),
    ...waits.flatMap((wait) => wait.nights),
    ...(restsAfter ? [last.flight.to] : []),
  ];
  return {
    legs,
    positioning: [...(outbound ? [outbound] : []), ...between, ...(inbound ? [inbound] : [])],
    nights,
    days: daysOf(legs) - waits.reduce((sum, { daysAtHome }) => sum + daysAtHome, 0),
    secondCrews,
    notes: [
      ...(restsBefore ? ['The aircraft is brought the day before, so that its crew has rested.'] : []),
      ...(restsAfter ? ['The crew rests before it takes the aircraft home.'] : []),
      ...(waits.some(({ daysAtHome }) => daysAtHome > 0)
        ? ['Between two legs the aircraft goes home, which costs less than to wait.']
        : []),
      ...(aircraft.positioning === 'one-way' && last.flight.to !== home
        ? ['The aircraft stays where the trip ends: its flight home is not paid for.']
        : []),
    ],
  };
}

/** How many second crews the flights take; undefined when no crew may fly them. */
function crewsOf(flights: readonly TimedFlight[], { aircraft }: Scene): number | undefined {
  const inOrder = flights.toSorted((a, b) => a.departs - b.departs);
  let seconds = 0;
  for (const period of dutyPeriods(inOrder)) {
    const crews = crewsFor(period, aircraft.category);
    if (crews === undefined) return undefined;
    seconds += crews - 1;
  }
  return seconds;
}

function daysOf(legs: readonly TimedFlight[]): number {
  const [first, last] = [legs[0]!, legs.at(-1)!];
  const begins = localTimeAt(first.departs, first.flight.from.timeZone).date;
  const ends = localTimeAt(last.arrives, last.flight.to.timeZone).date;
  // Over the date line an arrival can be the day before.
  return Math.max(1, daysBetween(begins, ends) + 1);
}

function ferry(
  { aircraft, fuelStops }: Scene,
  from: Airport,
  to: Airport,
): Flight | undefined | 'unreachable' {
  return from === to ? undefined : (planFlight(aircraft, [from, to], 0, fuelStops) ?? 'unreachable');
}
