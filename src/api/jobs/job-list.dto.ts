import { anyJson } from '../../platform/http/any-json';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ledgerStates, type LedgerState } from '../../platform/ledger/ledger-job';
import { priorities, type Priority } from '../../platform/queue/priority';
import { JobAttemptsDto, JobErrorDto } from './job.dto';

export class PastJobLinksDto {
  self!: string;
  attempts!: string;
}

export class PastJobDto {
  id!: string;
  @ApiProperty({ type: String, nullable: true })
  key!: string | null;
  queue!: string;
  type!: string;
  @ApiProperty({ enum: [...ledgerStates] })
  state!: LedgerState;
  done!: boolean;
  @ApiProperty({ enum: [...priorities] })
  priority!: Priority;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiPropertyOptional({ format: 'date-time' })
  runAt?: string;
  @ApiPropertyOptional({ format: 'date-time' })
  startedAt?: string;
  @ApiPropertyOptional({ format: 'date-time' })
  finishedAt?: string;
  /** From when it might run to its first start. */
  waitMs?: number;
  /** How long its newest attempt took. */
  runMs?: number;
  attempts!: JobAttemptsDto;
  worker?: string;
  tags!: string[];
  caller?: string;
  correlationId!: string;
  /** What failures by the same fault share. */
  errorGroup?: string;
  @ApiPropertyOptional({ description: 'With `include=error`.' })
  error?: JobErrorDto;
  @ApiPropertyOptional({
    ...anyJson,
    description: 'With `include=result`, where it was small enough to be kept.',
  })
  result?: unknown;
  links!: PastJobLinksDto;
}

export class PastJobListDto {
  items!: PastJobDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
  /** What of the request could be done in part only. */
  warnings?: string[];
}

export class JobAttemptDto {
  /** Counts starts, from 1. */
  start!: number;
  @ApiPropertyOptional({ format: 'date-time' })
  startedAt?: string;
  @ApiPropertyOptional({ format: 'date-time' })
  endedAt?: string;
  worker?: string;
  /** The version of the server that ran it. */
  version?: string;
  @ApiProperty({ enum: ['running', 'completed', 'failed', 'given_back', 'lost', 'cancelled'] })
  outcome!: string;
  /** Why there was no further attempt. */
  cause?: string;
  error?: JobErrorDto;
}

export class JobAttemptListDto {
  items!: JobAttemptDto[];
}
