import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { DEFAULT_PAGE_LIMIT, PageLimit } from '../../platform/http/page-query.dto';
import { storable, storableSays } from '../../platform/http/field-patterns';
import { MAX_KEY_CONCURRENCY, MAX_KEY_DURATION_MS, MAX_KEY_RATE } from '../../platform/key-limits/key-limit';
import { RateLimitSetting } from './queue-settings.dto';

const MAX_CURSOR_LENGTH = 1_500;

export class KeyLimitsQuery {
  /** At most 200; a larger number counts as 200. */
  @PageLimit()
  limit: number = DEFAULT_PAGE_LIMIT;

  /** `next_cursor` of the page before. */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_CURSOR_LENGTH)
  cursor?: string;
}

export class KeyRateDto {
  @IsInt()
  @Min(1)
  @Max(MAX_KEY_RATE)
  max!: number;

  @IsInt()
  @Min(1)
  @Max(MAX_KEY_DURATION_MS)
  durationMs!: number;
}

/** All that one key may have from now on; null, or left out, is no such limit. */
export class SetKeyLimitDto {
  /** Starts in a span of time, over all workers together and evenly spread. */
  @IsOptional()
  @ValidateIf((_, value) => value !== null)
  @IsObject()
  @ValidateNested()
  @Type(() => KeyRateDto)
  @ApiPropertyOptional({ type: KeyRateDto, nullable: true })
  rate?: KeyRateDto | null;

  /** Jobs at a time over all workers together. */
  @IsOptional()
  @ValidateIf((_, value) => value !== null)
  @IsInt()
  @Min(1)
  @Max(MAX_KEY_CONCURRENCY)
  @ApiPropertyOptional({ type: Number, nullable: true })
  concurrency?: number | null;

  /** Why; kept in the audit. */
  @IsOptional()
  @IsString()
  @Matches(storable, storableSays)
  @Length(3, 500)
  reason?: string;
}

export class KeyLimitValues {
  @ApiProperty({ type: RateLimitSetting, nullable: true })
  rate: RateLimitSetting | null;
  @ApiProperty({ type: Number, nullable: true })
  concurrency: number | null;
}

export class KeyLimitView extends KeyLimitValues {
  key: string;
  /** Whether the key has limits of its own, or those of its queue. */
  own: boolean;
  /** Jobs that wait for the key. */
  waiting: number;
  /** Jobs that run, or were let in and start next. */
  running: number;
  /** When its rate lets the next job in; null where it does so now. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  nextAt: string | null;
}

export class KeyLimitList {
  /** What each key may have that has no limits of its own. */
  defaults: KeyLimitValues;
  /** Keys that have jobs or limits of their own, in the order of their bytes. */
  keys: KeyLimitView[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}
