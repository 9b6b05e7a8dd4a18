/** One flight that is asked for; codes are IATA or ICAO, times local to the departure airport. */
export interface FlightLegWish {
  readonly departure: string;
  readonly arrival: string;
  /** `2027-01-31`. */
  readonly date: string;
  /** `09:30`. */
  readonly time?: string;
}

export interface FlightSearchWish {
  readonly tenant: string;
  /** 1 to 10, in the order they are flown. */
  readonly legs: readonly FlightLegWish[];
  readonly passengers: number;
  /** In whole US dollars; dearer quotes stay in the list and say by how much. */
  readonly budget?: number;
}

export interface FlightSearchResult {
  /** At most 50, cheapest first. */
  readonly quotes: readonly Quote[];
  /** Why aircraft of the fleet did not make a quote, most frequent first. */
  readonly rejected: readonly { readonly reason: string; readonly detail: string; readonly count: number }[];
}

export interface QuoteLine {
  /** A fixed word per kind of cost. */
  readonly code: QuoteLineCode;
  readonly description: string;
  /** Whole US cents. */
  readonly amountCents: number;
}

export type QuoteLineCode =
  | 'flight-time'
  | 'positioning'
  | 'minimum-hours'
  | 'landing'
  | 'handling'
  | 'crew-overnight'
  | 'parking'
  | 'second-crew';

export interface QuoteStop {
  readonly airport: string;
  readonly minutes: number;
}

export interface QuoteLeg {
  /** ICAO codes. */
  readonly departure: string;
  readonly arrival: string;
  readonly distanceNm: number;
  /** From block off to block on, fuel stops included. */
  readonly blockMinutes: number;
  /** With offset, in the airport's own time: `2027-01-31T09:30:00-05:00`. */
  readonly departsAt: string;
  readonly arrivesAt: string;
  readonly fuelStops: readonly QuoteStop[];
}

export interface Quote {
  /** A hash of the wish and the aircraft as it is: the same input gives the same id. */
  readonly id: string;
  readonly operatorName: string;
  /** US dollars with cents, `priceCents / 100`. */
  readonly price: number;
  readonly priceCents: number;
  readonly currency: 'USD';
  readonly aircraft: {
    readonly id: string;
    readonly type: string;
    readonly category: AircraftCategory;
    readonly seats: number;
    readonly homeBase: string;
    /** 0 to 5. */
    readonly operatorRating: number;
  };
  readonly passengers: number;
  readonly legs: readonly QuoteLeg[];
  readonly blockMinutes: number;
  readonly fuelStopCount: number;
  /** They sum to `priceCents` exactly. */
  readonly lines: readonly QuoteLine[];
  /** In words, what the figures rest on. */
  readonly notes: readonly string[];
}

export const aircraftCategories = [
  'turboprop',
  'light',
  'midsize',
  'super-midsize',
  'heavy',
  'ultra-long-range',
] as const;

export type AircraftCategory = (typeof aircraftCategories)[number];
