/** One airport of the embedded data set. */
export interface Airport {
  /** ICAO code, or the national one where there is none (`KTEB`, `5A8`); unique, and the id used everywhere. */
  readonly icao: string;
  readonly iata: string | null;
  readonly name: string;
  readonly city: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** ISO 3166-2, such as `US-NJ`. */
  readonly region: string;
  /** Decimal degrees, north and east positive. */
  readonly latitude: number;
  readonly longitude: number;
  readonly elevationFt: number | null;
  readonly size: AirportSize;
  readonly scheduledService: boolean;
  /** IANA name, such as `America/New_York`. */
  readonly timeZone: string;
  /** The longest runway; from the size of the airport where no source tells, which `runwayFrom` says. */
  readonly runwayFt: number;
  readonly runwayFrom: RunwaySource;
  /** How much business aviation uses it, 0 to 3: 3 for the airports that live from it. */
  readonly businessFit: number;
}

export type AirportSize = 'large' | 'medium' | 'small';

/** `published`: told by a source; `derived`: assumed from the size of the airport. */
export type RunwaySource = 'published' | 'derived';

export type MatchedBy = 'icao' | 'iata' | 'nickname' | 'city' | 'name' | 'typo';

export interface AirportMatch {
  readonly airport: Airport;
  /** Above 0, at most 1: how well the text fits, then how well the airport fits business aviation. */
  readonly score: number;
  readonly matchedBy: MatchedBy;
}

/** Airports by code or by what people call them. */
export abstract class Airports {
  /** By ICAO or IATA code, in any case. */
  abstract byCode(code: string): Airport | undefined;
  /**
   * Airports of a city, a name, a code or a nickname, best first; without regard to case and accents, and
   * with a few typing errors in longer words. At most `limit`, which is 5 unless given and never above 50.
   */
  abstract find(text: string, limit?: number): AirportMatch[];
}
