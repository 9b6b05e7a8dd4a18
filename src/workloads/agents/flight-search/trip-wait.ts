import type { Airport } from '../../../integrations/airports/airport';
import type { Aircraft } from '../agents.tables';
import { feeCents } from './airport-fees';
import { assumptions } from './charter-assumptions';
import { dutyPeriods, type DutyPeriod } from './crew-duty';
import { daysBetween, localTimeAt, MINUTE_MS } from './local-time';
import type { Flight } from './sector-plan';
import { timed, type TimedFlight } from './trip-schedule';

/** What the aircraft does between two legs. */
export interface Wait {
  readonly flights: readonly TimedFlight[];
  readonly nights: readonly Airport[];
  /** Whole days at home, which nobody pays for. */
  readonly daysAtHome: number;
}

interface Gap {
  readonly last: TimedFlight;
  readonly next: TimedFlight;
  /** To where the next leg begins; undefined where the last one ended there. */
  readonly transfer: Flight | undefined;
  readonly aircraft: Aircraft;
  readonly home: Airport;
  readonly ferry: (from: Airport, to: Airport) => Flight | undefined | 'unreachable';
}

const TURNAROUND_MS = assumptions.turnaroundMinutes * MINUTE_MS;
const BOARDING_MS = assumptions.boardingMinutes * MINUTE_MS;
const REST_MS =
  (assumptions.restMinutes + assumptions.releaseMinutes + assumptions.reportMinutes) * MINUTE_MS;

/** Waits where the next leg begins, or goes home meanwhile where that costs less. */
export function shorterWait(gap: Gap): Wait {
  const staying = stay(gap);
  const going = goHome(gap);
  return going !== undefined && costCents(going, gap) < costCents(staying, gap) ? going : staying;
}

function stay({ last, next, transfer, home }: Gap): Wait {
  const place = next.flight.from;
  const arrives = localTimeAt(last.arrives, last.flight.to.timeZone).date;
  const departs = localTimeAt(next.departs, place.timeZone).date;
  const nights = place === home ? 0 : Math.max(0, daysBetween(arrives, departs));
  return {
    flights: transfer === undefined ? [] : [transferred(transfer, last, next)],
    nights: Array.from({ length: nights }, () => place),
    daysAtHome: place === home ? daysInside(last, next, home) : 0,
  };
}

/** At once; after the crew's rest where the day would be too long for one crew and there is time for it. */
function transferred(transfer: Flight, last: TimedFlight, next: TimedFlight): TimedFlight {
  const atOnce = timed(transfer, last.arrives + TURNAROUND_MS);
  const rested = timed(transfer, last.arrives + REST_MS);
  const hasTime = rested.arrives + BOARDING_MS <= next.departs;
  return hasTime && !dutyPeriods([last, atOnce]).every(isForOneCrew) ? rested : atOnce;
}

function goHome({ last, next, home, ferry }: Gap): Wait | undefined {
  const to = ferry(last.flight.to, home);
  const back = ferry(home, next.flight.from);
  if (to === undefined || back === undefined || to === 'unreachable' || back === 'unreachable')
    return undefined;
  const homewards = timed(to, last.arrives + TURNAROUND_MS);
  const outwards = timed(back, next.departs - BOARDING_MS - back.blockMinutes * MINUTE_MS);
  if (outwards.departs - homewards.arrives < REST_MS) return undefined;
  if (![...dutyPeriods([last, homewards]), ...dutyPeriods([outwards, next])].every(isForOneCrew))
    return undefined;
  return { flights: [homewards, outwards], nights: [], daysAtHome: daysInside(homewards, outwards, home) };
}

function isForOneCrew(period: DutyPeriod): boolean {
  return period.dutyMinutes <= assumptions.dutyMinutes && period.flightMinutes <= assumptions.flightMinutes;
}

/** The days between the day on which one flight ends and that on which the other begins. */
function daysInside(ends: TimedFlight, begins: TimedFlight, { timeZone }: Airport): number {
  const [from, until] = [
    localTimeAt(ends.arrives, timeZone).date,
    localTimeAt(begins.departs, timeZone).date,
  ];
  return Math.max(0, daysBetween(from, until) - 1);
}

function costCents({ flights, nights, daysAtHome }: Wait, { aircraft, last, next, home }: Gap): number {
  const { hourlyUsd, crewOvernightUsd, minimumHoursPerDay } = aircraft;
  const flying = flights.map(({ flight: { flightMinutes, sectors, to } }) => {
    const landings = sectors.reduce((sum, sector) => sum + feeCents('landing', sector.to.size, aircraft), 0);
    const handling = to === home ? 0 : feeCents('handling', to.size, aircraft);
    return Math.round((flightMinutes * hourlyUsd * 100) / 60) + landings + handling;
  });
  const sleeping = nights.map(({ size }) => crewOvernightUsd * 100 + feeCents('parking', size, aircraft));
  const idleDays = Math.max(0, daysInside(last, next, home) - daysAtHome);
  const idle = Math.round(idleDays * minimumHoursPerDay * hourlyUsd * 100);
  return [...flying, ...sleeping].reduce((sum, cents) => sum + cents, idle);
}
