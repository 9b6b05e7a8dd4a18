import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsRFC3339,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { priorities, type Priority } from '../../platform/queue/priority';

const DAY_MS = 86_400_000;
export const MAX_DELAY_MS = 365 * DAY_MS;
export const MAX_PRIORITY_LEVEL = 20;

// Document 004 counts from 1 to 20, the larger the more urgent; everything else goes by name.
const levels = Array.from({ length: MAX_PRIORITY_LEVEL }, (_, index) => index + 1);

const isBooleanOrCount = () =>
  ValidateBy({
    name: 'isBooleanOrCount',
    validator: {
      validate: (value) => typeof value === 'boolean' || (Number.isSafeInteger(value) && Number(value) >= 0),
      defaultMessage: (args) => `${args?.property} must be true, false or a whole number from 0`,
    },
  });

// PostgreSQL keeps no NUL, and two halves of different characters would become the same key.
const isStorableText = () =>
  ValidateBy({
    name: 'isStorableText',
    validator: {
      validate: (value) => typeof value === 'string' && value.isWellFormed() && !value.includes('\0'),
      defaultMessage: (args) => `${args?.property} must be whole Unicode characters without NUL`,
    },
  });

export class BackoffDto {
  @IsIn(['fixed', 'exponential'])
  type!: 'fixed' | 'exponential';

  /** Wait before the second attempt, in milliseconds; exponential doubles it before each further one. */
  @IsInt()
  @Min(0)
  @Max(DAY_MS)
  delay!: number;
}

export class JobOptionsDto {
  /** A name, or a number from 1 to 20 where the larger is the more urgent: 20 urgent, 10 high, 5 normal, 1 low. */
  @ApiPropertyOptional({
    oneOf: [
      { type: 'string', enum: [...priorities] },
      { type: 'integer', minimum: 1, maximum: MAX_PRIORITY_LEVEL },
    ],
  })
  @IsOptional()
  @IsIn([...priorities, ...levels], {
    message: `priority must be ${priorities.join(', ')} or a whole number from 1 to ${MAX_PRIORITY_LEVEL}`,
  })
  priority?: Priority | number;

  /** Wait before the first attempt, in milliseconds, at most 365 days. Excludes `runAt`. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_DELAY_MS)
  delay?: number;

  /** Earliest start, with a time zone, at most 365 days ahead; a time in the past means now. Excludes `delay`. */
  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @IsString()
  @IsRFC3339({ message: 'runAt must be a date and a time with a time zone, such as 2030-01-31T08:00:00Z' })
  @IsISO8601({ strict: true }, { message: 'runAt must be a date that exists' })
  runAt?: string;

  /** Total runs, the first included. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(25)
  attempts?: number;

  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => BackoffDto)
  backoff?: BackoffDto;

  /** The longest one attempt may run, in milliseconds, at most 24 hours. */
  @IsOptional()
  @IsInt()
  @Min(100)
  @Max(DAY_MS)
  timeoutMs?: number;

  /** The longest the job may wait for its first start, in milliseconds; then it dies as expired. */
  @IsOptional()
  @IsInt()
  @Min(100)
  @Max(MAX_DELAY_MS)
  waitLimitMs?: number;

  /** Words to find the job by: letters, digits and `.:_-`. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(10)
  @Matches(/^[A-Za-z0-9.:_-]{1,50}$/, { each: true })
  tags?: string[];

  /** The caller's key of this job: the same key is the same job. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @isStorableText()
  jobId?: string;

  /** Accepted for document 004; how long finished jobs stay is the queue's own affair, and `warnings` says so. */
  @ApiPropertyOptional({ oneOf: [{ type: 'boolean' }, { type: 'integer', minimum: 0 }] })
  @IsOptional()
  @isBooleanOrCount()
  removeOnComplete?: boolean | number;

  /** As `removeOnComplete`, for jobs that failed. */
  @ApiPropertyOptional({ oneOf: [{ type: 'boolean' }, { type: 'integer', minimum: 0 }] })
  @IsOptional()
  @isBooleanOrCount()
  removeOnFail?: boolean | number;
}

export class CreateJobDto {
  /** A job type that some queue declares. */
  @IsString()
  @Length(1, 100)
  type!: string;

  /** The payload, as the job type describes it. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  @IsObject()
  data!: Record<string, unknown>;

  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => JobOptionsDto)
  options?: JobOptionsDto;
}
