import { Injectable } from '@nestjs/common';
import type { CharterRequest } from '../../../integrations/charter-language/charter-request';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { codeOf } from '../charter-questions';
import { CharterRequests } from '../charter-requests.store';
import type { FlightLegWish, FlightSearchResult, FlightSearchWish } from '../quote';
import { FlightSearchWishError } from './flight-search-wish';
import type { FlightSearchPayload } from './flight-search.payload';
import { FlightSearch } from './flight-search.service';

/** When a flight that is to go "in the morning" is searched for. */
const partsOfDay: Readonly<Record<string, string>> = {
  morning: '09:00',
  afternoon: '14:00',
  evening: '18:00',
  night: '21:00',
};

/** Searches the flights of a stored request, or the one that its payload names. */
@Injectable()
export class CharterSearch {
  constructor(
    private readonly requests: CharterRequests,
    private readonly flights: FlightSearch,
  ) {}

  /** Throws HopelessJobError for flights that cannot be searched, however often. */
  async search(
    payload: FlightSearchPayload,
    { tenant, signal }: { readonly tenant: string; readonly signal: AbortSignal },
  ): Promise<FlightSearchResult> {
    const row = await this.requests.find(payload.requestId, tenant);
    const wish = row?.extraction == null ? wishOf(payload, tenant) : requestedWish(row.extraction, tenant);
    try {
      return await this.flights.search(wish, signal);
    } catch (error) {
      throw error instanceof FlightSearchWishError ? new HopelessJobError(error.message) : error;
    }
  }
}

function wishOf(
  { departure, arrival, date, passengers }: FlightSearchPayload,
  tenant: string,
): FlightSearchWish {
  return { tenant, passengers, legs: [{ departure, arrival, date }] };
}

function requestedWish(request: CharterRequest, tenant: string): FlightSearchWish {
  const passengers = request.passengers ?? 1;
  const budget = budgetOf(request, passengers);
  return {
    tenant,
    passengers,
    legs: request.legs.map(legWish),
    ...(budget !== undefined && { budget }),
  };
}

function legWish({ departure, arrival, date, time }: CharterRequest['legs'][number]): FlightLegWish {
  const at = time === null ? undefined : (partsOfDay[time] ?? time);
  return {
    departure: codeOf(departure) ?? '',
    arrival: codeOf(arrival) ?? '',
    date: date ?? '',
    ...(at !== undefined && { time: at }),
  };
}

/** Whole US dollars for the whole trip; a budget in another currency cannot be compared. */
export function budgetOf({ budget }: CharterRequest, passengers: number): number | undefined {
  if (budget === null || budget.currency !== 'USD') return undefined;
  const total = Math.round(budget.kind === 'per_person' ? budget.amount * passengers : budget.amount);
  return total > 0 ? total : undefined;
}
