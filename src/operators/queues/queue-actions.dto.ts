import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { storable, storableSays, zoned, zonedSays } from '../../platform/http/field-patterns';

const YEAR_MS = 366 * 86_400_000;
/** The most that one request removes by itself; what is more becomes an operation. */
export const MAX_REMOVED_AT_ONCE = 10_000;
export const MAX_REMOVED = 100_000;

export class ResumeQueueDto {
  /** Why; kept in the audit. */
  @IsOptional()
  @IsString()
  @Matches(storable, storableSays)
  @Length(3, 500)
  reason?: string;
}

export class ResumeQueuesDto extends ResumeQueueDto {
  /** Only this queue. */
  @IsOptional()
  @IsString()
  @Length(1, 63)
  queue?: string;
}

export class PauseQueueDto extends ResumeQueueDto {
  /** When it goes on by itself: at most a year from now. */
  @IsOptional()
  @IsISO8601({ strict: true })
  @Matches(zoned, zonedSays)
  until?: string;
}

export class PauseQueuesDto extends PauseQueueDto {
  /** Only this queue. */
  @IsOptional()
  @IsString()
  @Length(1, 63)
  queue?: string;
}

export class PausedDto {
  paused!: boolean;
  /** The queues that are so now. */
  queues!: string[];
}

export class CleanDto {
  /** Jobs that finished less long ago stay. */
  @IsInt()
  @Min(0)
  @Max(10 * YEAR_MS)
  olderThanMs!: number;

  /** Only this queue. */
  @IsOptional()
  @IsString()
  @Length(1, 63)
  queue?: string;

  /** At most so many; above 10,000 they go in the background, as an operation. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_REMOVED)
  limit?: number;

  /** Says how many there are, and removes none. */
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;

  /** Why; kept in the audit. */
  @IsOptional()
  @IsString()
  @Matches(storable, storableSays)
  @Length(3, 500)
  reason?: string;
}

export class CleanedDto {
  /** Whether this only says what would go. */
  dryRun!: boolean;
  removed!: number;
  /** Not in the history yet: these may go in a moment. */
  kept!: number;
  /** How many are left that are as old. */
  remaining!: number;
  /** How many there were, of each queue that has any. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' } })
  byQueue!: Record<string, number>;
}

export class DrainDto {
  /** The name of the queue once more. */
  @IsString()
  @Length(1, 63)
  confirm!: string;

  /** Why these jobs will never run; it stays with each of them. */
  @IsString()
  @Matches(storable, storableSays)
  @Length(3, 500)
  reason!: string;

  /** Says how many jobs wait, and removes none. */
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;
}

export class DrainPlanDto {
  dryRun!: true;
  /** Jobs that would be removed: at most 100,000 at a time. */
  waiting!: number;
}

export class SharedRateLimitDto {
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  max!: number;

  @IsInt()
  @Min(1)
  @Max(86_400_000)
  durationMs!: number;
}

export class QueueLimitsDto {
  /** Jobs at a time over all workers together; null for no such limit. */
  @IsOptional()
  @ValidateIf((_, value) => value !== null)
  @IsInt()
  @Min(1)
  @Max(100_000)
  @ApiPropertyOptional({ type: Number, nullable: true })
  concurrency?: number | null;

  /** Starts in a span of time over all workers together; null for no such limit. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => SharedRateLimitDto)
  @ApiPropertyOptional({ type: SharedRateLimitDto, nullable: true })
  rateLimit?: SharedRateLimitDto | null;
}
