import { Injectable } from '@nestjs/common';
import { Airports } from '../../integrations/airports/airport';

/** Where aircraft may be at home: the airports that a search knows. */
@Injectable()
export class HomeBases {
  constructor(private readonly airports: Airports) {}

  /** The ICAO code to an ICAO or IATA code; undefined where there is no such airport. */
  icaoOf(code: string): string | undefined {
    return this.airports.byCode(code)?.icao;
  }

  /** `KTEB, Teterboro Airport`, as the most likely meaning of a text. */
  suggestionFor(text: string): string | undefined {
    const [guess] = this.airports.find(text, 1);
    return guess && `${guess.airport.icao}, ${guess.airport.name}`;
  }
}
