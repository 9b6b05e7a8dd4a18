import { Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Airports, type Airport } from '../../../integrations/airports/airport';
import { AircraftAvailability, overlaps, type Period } from '../aircraft-availability';
import type { Aircraft } from '../agents.tables';
import { FleetStore } from '../fleet.store';
import type { FlightSearchResult, FlightSearchWish } from '../quote';
import { assumptions } from './charter-assumptions';
import { resolveWish } from './flight-search-wish';
import { fuelStopCodes } from './fuel-stops';
import { MINUTE_MS } from './local-time';
import { quoteOf } from './quote-maker';
import { isRejection, rejections, type RejectionReason } from './rejection';
import { priceLines, sumOf } from './trip-price';
import { planTrip, type TripPlan, type TripWish } from './trip-plan';

const MAX_QUOTES = 50;
// Planning may take some milliseconds for an aircraft with fuel stops; other jobs of the process go on between.
const MAX_TURN_MS = 20;

interface Candidate {
  readonly aircraft: Aircraft;
  readonly plan: TripPlan;
}

/** Quotes for a trip from the aircraft of a tenant. The same wish and the same fleet give the same quotes. */
@Injectable()
export class FlightSearch {
  private fuelStops?: readonly Airport[];

  constructor(
    private readonly fleet: FleetStore,
    private readonly availability: AircraftAvailability,
    private readonly airports: Airports,
  ) {}

  /** Rejects with `FlightSearchWishError` when the wish cannot be understood, with the signal's reason when it fires. */
  async search(wish: FlightSearchWish, signal: AbortSignal): Promise<FlightSearchResult> {
    signal.throwIfAborted();
    const trip = resolveWish(wish, this.airports);
    const fleet = await this.fleet.active(wish.tenant);
    const rejected = new Map<RejectionReason, number>();
    const reject = (reason: RejectionReason) => rejected.set(reason, (rejected.get(reason) ?? 0) + 1);
    const candidates: Candidate[] = [];
    let turnBegan = performance.now();
    for (const aircraft of fleet) {
      const plan = this.plan(trip, aircraft);
      if (isRejection(plan)) reject(plan);
      else candidates.push({ aircraft, plan });
      if (performance.now() - turnBegan < MAX_TURN_MS) continue;
      await nextTurn();
      signal.throwIfAborted();
      turnBegan = performance.now();
    }
    const free = await this.free(candidates, wish.tenant, signal);
    for (let taken = candidates.length - free.length; taken > 0; taken -= 1) reject('unavailable');
    return {
      quotes: free
        .map(({ aircraft, plan }) => ({ aircraft, plan, lines: priceLines(plan, aircraft) }))
        .map((priced) => ({ ...priced, priceCents: sumOf(priced.lines) }))
        .sort((a, b) => a.priceCents - b.priceCents || (a.aircraft.id < b.aircraft.id ? -1 : 1))
        .slice(0, MAX_QUOTES)
        .map(({ aircraft, plan, lines }) => quoteOf(wish, aircraft, plan, lines)),
      rejected: [...rejected]
        .map(([reason, count]) => ({ reason, detail: rejections[reason], count }))
        .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
    };
  }

  private plan(trip: TripWish, aircraft: Aircraft): TripPlan | RejectionReason {
    const home = this.airports.byCode(aircraft.homeBase);
    if (home === undefined) return 'positioning_out_of_range';
    this.fuelStops ??= fuelStopCodes
      .map((code) => this.airports.byCode(code))
      .filter((stop) => stop !== undefined);
    return planTrip(trip, { aircraft, home, fuelStops: this.fuelStops });
  }

  /** Those that are offered and not taken for the whole of their trip. */
  private async free(
    candidates: readonly Candidate[],
    tenant: string,
    signal: AbortSignal,
  ): Promise<Candidate[]> {
    const offered = candidates.filter(({ aircraft, plan }) => isOffered(aircraft, periodOf(plan)));
    if (offered.length === 0) return [];
    const periods = offered.map(({ plan }) => periodOf(plan));
    const whole = {
      from: new Date(Math.min(...periods.map(({ from }) => from.getTime()))),
      until: new Date(Math.max(...periods.map(({ until }) => until.getTime()))),
    };
    const ids = offered.map(({ aircraft }) => aircraft.id);
    const taken = await this.availability.takenPeriods(tenant, ids, whole, signal);
    signal.throwIfAborted();
    return offered.filter(
      ({ aircraft, plan }) =>
        !(taken.get(aircraft.id) ?? []).some((period) => overlaps(period, periodOf(plan))),
    );
  }
}

function periodOf({ legs, positioning }: TripPlan): Period {
  const flights = [...legs, ...positioning];
  const begins = Math.min(...flights.map(({ departs }) => departs)) - assumptions.reportMinutes * MINUTE_MS;
  const ends = Math.max(...flights.map(({ arrives }) => arrives)) + assumptions.releaseMinutes * MINUTE_MS;
  return { from: new Date(begins), until: new Date(ends) };
}

function isOffered({ availability }: Aircraft, { from, until }: Period): boolean {
  if (availability.length === 0) return true;
  return availability.some(
    (window) => Date.parse(window.from) <= from.getTime() && until.getTime() <= Date.parse(window.until),
  );
}
