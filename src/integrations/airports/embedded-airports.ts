import { Injectable } from '@nestjs/common';
import { Airports, type Airport, type AirportMatch } from './airport';
import { AirportIndex } from './airport-index';
import { readAirportTable } from './airport-table';

const DEFAULT_LIMIT = 5;
const MAX_LIMIT = 50;

/** The airports of the data set that lies beside this file, read when they are first asked for. */
@Injectable()
export class EmbeddedAirports extends Airports {
  private index?: AirportIndex;

  byCode(code: string): Airport | undefined {
    return this.loaded().byCode(code);
  }

  find(text: string, limit = DEFAULT_LIMIT): AirportMatch[] {
    return this.loaded().find(text, Math.max(0, Math.min(Math.trunc(limit), MAX_LIMIT)));
  }

  private loaded(): AirportIndex {
    this.index ??= new AirportIndex(readAirportTable());
    return this.index;
  }
}
