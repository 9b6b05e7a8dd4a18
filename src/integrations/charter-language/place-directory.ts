/** An airport that a text may mean. */
export interface DirectoryAirport {
  readonly icao: string | null;
  readonly iata: string | null;
  readonly name: string;
  readonly city: string | null;
}

/** Where places are looked up. The airports of the flight search are one; integrations do not import each other. */
export abstract class PlaceDirectory {
  /** Airports that the name of a place or an airport may mean, the likeliest first; none for a text that names nothing. */
  abstract find(text: string): readonly DirectoryAirport[];
  abstract byCode(code: string): DirectoryAirport | undefined;
}
