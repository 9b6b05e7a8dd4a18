import {
  IsBoolean,
  IsIn,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  MaxLength,
} from 'class-validator';
import { storable, storableSays, zoned, zonedSays } from '../../platform/http/field-patterns';
import { DEFAULT_PAGE_LIMIT, PageLimit } from '../../platform/http/page-query.dto';
import { deadLetterStatuses, type DeadLetterStatus } from '../../platform/dead-letter/dead-letter.tables';
import { deathCauses, type DeathCause } from '../../platform/queue/death-cause';

/** Which dead letters are meant; what is left out does not matter. */
export class DeadLetterFilterDto {
  /** The queue in which the job died. */
  @IsOptional()
  @IsString()
  @Length(1, 63)
  queue?: string;

  @IsOptional()
  @Matches(storable, storableSays)
  @MaxLength(100)
  type?: string;

  @IsOptional()
  @IsIn(deathCauses)
  cause?: DeathCause;

  /** `error.group` of a dead letter: deaths by the same fault. */
  @IsOptional()
  @Matches(/^[0-9a-f]{16}$/, { message: '$property must be 16 hexadecimal digits' })
  errorGroup?: string;

  /** Died at this time or later. */
  @IsOptional()
  @Matches(zoned, zonedSays)
  @IsISO8601({ strict: true }, { message: '$property must be a date that exists' })
  from?: string;

  /** Died before this time. */
  @IsOptional()
  @Matches(zoned, zonedSays)
  @IsISO8601({ strict: true }, { message: '$property must be a date that exists' })
  to?: string;
}

export class DeadLetterListQuery extends DeadLetterFilterDto {
  /** The same as `queue`. */
  @IsOptional()
  @IsString()
  @Length(1, 63)
  originQueue?: string;

  /** The caller's own key of the job. */
  @IsOptional()
  @Matches(storable, storableSays)
  @MaxLength(255)
  key?: string;

  @IsOptional()
  @Matches(storable, storableSays)
  @MaxLength(256)
  jobId?: string;

  @IsOptional()
  @IsIn(deadLetterStatuses)
  status?: DeadLetterStatus;

  /** `error`: how many died by each fault, instead of the single ones. */
  @IsOptional()
  @IsIn(['error'])
  group?: 'error';

  /** At most 200; a larger number counts as 200. */
  @PageLimit()
  limit: number = DEFAULT_PAGE_LIMIT;

  /** `next_cursor` of the page before. */
  @IsOptional()
  @IsString()
  cursor?: string;
}

export class DecisionDto {
  /** Why; it stays with the dead letter. */
  @IsString()
  @Matches(storable, storableSays)
  @Length(3, 500)
  reason!: string;
}

export class DiscardQuery {
  /** Why; it stays with the dead letter. */
  @IsString()
  @Matches(storable, storableSays)
  @Length(3, 500)
  reason!: string;
}

export class RedriveDto extends DecisionDto {
  /** The queue that takes it instead of its own. */
  @IsOptional()
  @IsString()
  @Length(1, 63)
  target?: string;

  /** The job type there; its own where it is left out. */
  @IsOptional()
  @IsString()
  @Length(1, 100)
  type?: string;

  /** Whether it gets its full number of attempts again (the default), or one. */
  @IsOptional()
  @IsBoolean()
  resetAttempts?: boolean;
}

export class EditDeadLetterDto extends DecisionDto {
  /** The payload to run with; the original one is kept. */
  @IsObject()
  data!: Record<string, unknown>;
}

export class RetryJobDto extends DecisionDto {
  @IsOptional()
  @IsBoolean()
  resetAttempts?: boolean;

  /** Takes the place of the payload. */
  @IsOptional()
  @IsObject()
  data?: Record<string, unknown>;
}
