export type TripType = 'one_way' | 'round_trip' | 'multi_leg';
export const partsOfDay = ['morning', 'afternoon', 'evening', 'night'] as const;
export type PartOfDay = (typeof partsOfDay)[number];

/** A place as the message names it. */
export interface PlaceMention {
  readonly text: string;
  /** ICAO or IATA code where only one airport can be meant, else null. */
  readonly airport: string | null;
  /** Codes of all airports that may be meant, the likeliest first. */
  readonly candidates: readonly string[];
}

export interface CharterLeg {
  readonly departure: PlaceMention;
  readonly arrival: PlaceMention;
  /** `YYYY-MM-DD` at the place of departure. */
  readonly date: string | null;
  /** `HH:MM` on a clock of 24 hours, or a part of the day. */
  readonly time: string | null;
  /** So many days earlier or later will do. */
  readonly flexibleDays: number;
}

export interface CharterBudget {
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
  readonly kind: 'total' | 'per_person';
}

/** What somebody who wants to charter an aircraft has said; null where they have not. */
export interface CharterRequest {
  readonly tripType: TripType;
  readonly legs: readonly CharterLeg[];
  readonly passengers: number | null;
  readonly budget: CharterBudget | null;
  /** A class such as `light`, as `aircraftClasses` names it, or null. */
  readonly aircraftClass: string | null;
  readonly clientEmail: string | null;
  readonly clientName: string | null;
  /** What else a broker has to know: pets, luggage, catering, a wheelchair. */
  readonly notes: readonly string[];
}

/** A field that nobody has given, or that can be read in several ways, and what to ask the client. */
export interface MissingField {
  /** A path such as `passengers` or `legs[0].departure`. */
  readonly field: string;
  readonly question: string;
}

export const aircraftClasses = [
  'turboprop',
  'very-light',
  'light',
  'midsize',
  'super-midsize',
  'heavy',
  'ultra-long-range',
  'airliner',
  'helicopter',
] as const;
