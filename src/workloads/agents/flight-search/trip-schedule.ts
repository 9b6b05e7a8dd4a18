import type { Airport } from '../../../integrations/airports/airport';
import { assumptions } from './charter-assumptions';
import { isClosed } from './curfews';
import { localTimeAt, MINUTE_MS, momentOf } from './local-time';
import type { RejectionReason } from './rejection';
import type { Flight } from './sector-plan';

/** A leg of the wish with its airports found. */
export interface ResolvedLeg {
  readonly from: Airport;
  readonly to: Airport;
  readonly date: string;
  /** Minutes of the day at the departure airport; any time of the day where it is missing. */
  readonly minutes?: number;
}

/** A flight with its times, in milliseconds of the epoch. */
export interface TimedFlight {
  readonly flight: Flight;
  readonly departs: number;
  readonly arrives: number;
}

export function timed(flight: Flight, departs: number): TimedFlight {
  return { flight, departs, arrives: departs + flight.blockMinutes * MINUTE_MS };
}

/** The time that was asked for, else the first usual one that curfews and the flights before allow. */
export function scheduleLeg(
  { from, to, date, minutes }: ResolvedLeg,
  flight: Flight,
  readyAt: number,
): TimedFlight | RejectionReason {
  const choices = minutes === undefined ? usualMinutes : [minutes];
  let isTooEarly = true;
  for (const choice of choices) {
    const candidate = timed(flight, momentOf(date, choice, from.timeZone));
    if (candidate.departs < readyAt) continue;
    isTooEarly = false;
    const departsClosed = isClosed(from.icao, localTimeAt(candidate.departs, from.timeZone), 'departures');
    const arrivesClosed = isClosed(to.icao, localTimeAt(candidate.arrives, to.timeZone), 'arrivals');
    if (!departsClosed && !arrivesClosed) return candidate;
  }
  return isTooEarly ? 'legs_overlap' : 'curfew';
}

const usualMinutes: readonly number[] = (() => {
  const { usualDeparture, latestDeparture, earliestDeparture, departureStep } = assumptions;
  const found = [];
  for (let at: number = usualDeparture; at <= latestDeparture; at += departureStep) found.push(at);
  for (let at = usualDeparture - departureStep; at >= earliestDeparture; at -= departureStep) found.push(at);
  return found;
})();
