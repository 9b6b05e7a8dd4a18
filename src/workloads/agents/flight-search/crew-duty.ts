import { assumptions } from './charter-assumptions';
import { MINUTE_MS } from './local-time';
import type { AircraftCategory } from '../quote';
import type { TimedFlight } from './trip-schedule';

export interface DutyPeriod {
  readonly flights: readonly TimedFlight[];
  readonly dutyMinutes: number;
  readonly flightMinutes: number;
}

/** Flights in their order, parted where there is time for the crew's rest. */
export function dutyPeriods(flights: readonly TimedFlight[]): DutyPeriod[] {
  const groups: TimedFlight[][] = [];
  for (const flight of flights) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    const betweenDuties = assumptions.restMinutes + assumptions.releaseMinutes + assumptions.reportMinutes;
    if (
      group === undefined ||
      last === undefined ||
      flight.departs - last.arrives >= betweenDuties * MINUTE_MS
    ) {
      groups.push([flight]);
    } else group.push(flight);
  }
  return groups.map(dutyOf);
}

/** How many crews the duty period takes; undefined when no crew may do it. */
export function crewsFor(
  { dutyMinutes, flightMinutes }: DutyPeriod,
  category: AircraftCategory,
): 1 | 2 | undefined {
  if (dutyMinutes <= assumptions.dutyMinutes && flightMinutes <= assumptions.flightMinutes) return 1;
  const hasPlaceToRest = category === 'heavy' || category === 'ultra-long-range';
  const isPossible =
    dutyMinutes <= assumptions.augmentedDutyMinutes && flightMinutes <= assumptions.augmentedFlightMinutes;
  return hasPlaceToRest && isPossible ? 2 : undefined;
}

function dutyOf(flights: readonly TimedFlight[]): DutyPeriod {
  const [first] = flights;
  const last = flights.at(-1);
  const spanMs = (last?.arrives ?? 0) - (first?.departs ?? 0);
  return {
    flights,
    dutyMinutes: Math.round(spanMs / MINUTE_MS) + assumptions.reportMinutes + assumptions.releaseMinutes,
    flightMinutes: flights.reduce((sum, { flight }) => sum + flight.flightMinutes, 0),
  };
}
