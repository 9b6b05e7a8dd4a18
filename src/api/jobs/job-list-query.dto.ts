import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  IsRFC3339,
  IsString,
  Length,
  Matches,
  MaxLength,
  Min,
} from 'class-validator';
import { ledgerStates, type LedgerState } from '../../platform/ledger/ledger-job';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

// PostgreSQL has no text with a NUL in it.
const storable = /^[^\0]*$/;
const storableSays = { message: '$property must be a text without NUL' };
const timeSays = { message: '$property must be a date and a time with a zone, such as 2030-01-31T08:00:00Z' };

const words = Transform(({ value }) => (typeof value === 'string' ? value.split(',') : value));

export class JobListQueryDto {
  @IsOptional()
  @Matches(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, { message: 'queue must be the name of a queue' })
  queue?: string;

  @IsOptional()
  @Matches(storable, storableSays)
  @Length(1, 100)
  type?: string;

  /** One state or several with commas between; `removed` jobs left Redis before they had finished. */
  @ApiPropertyOptional({ type: String })
  @IsOptional()
  @words
  @ArrayMaxSize(ledgerStates.length)
  @IsIn(ledgerStates, { each: true, message: `state must be among ${ledgerStates.join(', ')}` })
  state?: LedgerState[];

  /** The caller's own key, whole. */
  @IsOptional()
  @Matches(storable, storableSays)
  @Length(1, 255)
  key?: string;

  /** A part of the error's text, or the beginning of an id or a key. */
  @IsOptional()
  @Matches(storable, storableSays)
  @Length(3, 200)
  q?: string;

  /** One tag or several with commas between; a job needs all of them. */
  @ApiPropertyOptional({ type: String })
  @IsOptional()
  @words
  @ArrayMaxSize(10)
  @Matches(/^[A-Za-z0-9.:_-]{1,50}$/, { each: true, message: 'tag must be letters, digits and .:_-' })
  tag?: string[];

  /** Added then or later. */
  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @IsString()
  @IsRFC3339(timeSays)
  @IsISO8601({ strict: true }, { message: 'from must be a date that exists' })
  from?: string;

  /** Added before. */
  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @IsString()
  @IsRFC3339(timeSays)
  @IsISO8601({ strict: true }, { message: 'to must be a date that exists' })
  to?: string;

  @IsOptional()
  @Matches(/^[0-9a-f]{16}$/, { message: 'errorGroup must be 16 hexadecimal digits' })
  errorGroup?: string;

  /** What each job shows beside: `result`, `error` or both with a comma between. */
  @ApiPropertyOptional({ type: String })
  @IsOptional()
  @words
  @ArrayMaxSize(2)
  @IsIn(['result', 'error'], { each: true, message: 'include must be result, error or both' })
  include?: ('result' | 'error')[];

  /** At most 200; a larger number counts as 200. */
  @IsOptional()
  @Transform(({ value }) => toLimit(value))
  @IsInt()
  @Min(1)
  limit: number = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @IsOptional()
  @IsString()
  @MaxLength(400)
  cursor?: string;
}

function toLimit(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Math.min(Number(value), MAX_LIMIT) : value;
}
