/** An airport that a text may mean. */
export interface DirectoryAirport {
  /** Unique, and the code that requests carry. */
  readonly icao: string;
  readonly iata: string | null;
  readonly name: string;
  readonly city: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** ISO 3166-2. */
  readonly region: string;
  /** Degrees. */
  readonly latitude: number;
  readonly longitude: number;
}

export interface DirectoryMatch {
  readonly airport: DirectoryAirport;
  /** 0 to 1. */
  readonly score: number;
  readonly matchedBy: 'icao' | 'iata' | 'nickname' | 'city' | 'name' | 'typo';
}

/** Where places are looked up; `Airports` of the flight search is one. Integrations do not import each other. */
export abstract class PlaceDirectory {
  /** Airports that the name of a place, an airport or a code may mean, best first; none for a text that names nothing. */
  abstract find(text: string, limit?: number): readonly DirectoryMatch[];
  abstract byCode(code: string): DirectoryAirport | undefined;
}
