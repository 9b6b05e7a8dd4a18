import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import {
  operationActions,
  operationStatuses,
  type OperationAction,
  type OperationStatus,
} from '../../platform/operations/operations.tables';
import { DeadLetterFilterDto, DecisionDto } from '../dead-letters/dead-letter-query.dto';

const MAX_IDS = 10_000;
const MAX_RATE = 10_000;

export class OperationListQuery extends PageQueryDto {
  @IsOptional()
  @IsIn(operationStatuses)
  status?: OperationStatus;
}

// Cleaning has paths of its own, which know how old a job has to be.
const startable = operationActions.filter((action) => action !== 'clean');

export class StartOperationDto extends DecisionDto {
  /** `redrive`, `discard` and `restore` are about dead letters, the others about jobs. */
  @IsIn(startable)
  action!: OperationAction;

  /** Which dead letters; `{}` means all. Instead of `ids`, for retry, redrive, discard and restore. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => DeadLetterFilterDto)
  filter?: DeadLetterFilterDto;

  /** Ids of dead letters or of jobs, as the action needs them; at most 10,000. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_IDS)
  @Matches(/^[\w-]{1,100}$/, { each: true })
  ids?: string[];

  /** The most per second. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_RATE)
  rate?: number;

  /** Says what would be done, and does nothing. */
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;

  /** Whether jobs go back in waves of 1, 10, 100 and so on (the default), or all at the given rate. */
  @IsOptional()
  @IsBoolean()
  waves?: boolean;

  /** The operation halts when more than this part of a wave fails again; 0.5 unless given. */
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(1)
  maxFailureRatio?: number;

  /** The queue that takes the jobs instead of their own; for redrive. */
  @IsOptional()
  @IsString()
  @Length(1, 63)
  target?: string;

  /** The job type there; for redrive. */
  @IsOptional()
  @IsString()
  @Length(1, 100)
  type?: string;

  /** Whether jobs get their full number of attempts again (the default), or one. */
  @IsOptional()
  @IsBoolean()
  resetAttempts?: boolean;
}
