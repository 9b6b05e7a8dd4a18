import { IsIn, IsInt, IsString, Matches, Max, Min } from 'class-validator';
import { AgentPayload } from '../agent-payload';

const code = /^[A-Za-z0-9]{3,4}$/;

/** Payload of `flight-search-job` (`FlightSearchJobData`): one flight; those of a stored request are all searched. */
export class FlightSearchPayload extends AgentPayload {
  @IsIn(['search-flights'])
  type!: 'search-flights';

  /** IATA or ICAO code. */
  @IsString()
  @Matches(code, { message: 'departure must be the code of an airport, such as TEB or KTEB' })
  departure!: string;

  /** IATA or ICAO code. */
  @IsString()
  @Matches(code, { message: 'arrival must be the code of an airport, such as VNY or KVNY' })
  arrival!: string;

  @IsInt()
  @Min(1)
  @Max(500)
  passengers!: number;

  /** At the place of departure. */
  @IsString()
  @Matches(/^\d{4}-\d\d-\d\d$/, { message: 'date must be a date such as 2027-01-31' })
  date!: string;
}
