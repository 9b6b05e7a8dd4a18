import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  operationActions,
  operationStatuses,
  type OperationAction,
  type OperationStatus,
} from '../../platform/operations/operations.tables';

export class OperationCountsDto {
  total!: number;
  success!: number;
  failure!: number;
  /** Not there, or decided by somebody else. */
  skipped!: number;
  /** Sent back to work and not ended yet. */
  running!: number;
  pending!: number;
}

export class OperationLinksDto {
  self!: string;
  abort!: string;
}

export class OperationDto {
  id!: string;
  @ApiProperty({ enum: [...operationActions] })
  action!: OperationAction;
  /** `halted` stopped itself, because too much of a wave failed again; `detail` says how much. */
  @ApiProperty({ enum: [...operationStatuses] })
  status!: OperationStatus;
  reason!: string;
  startedBy!: string;
  /** What was asked for. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  request!: Record<string, unknown>;
  @ApiProperty({ type: Number, nullable: true })
  rate!: number | null;
  /** The current wave, from 1; null where jobs do not go in waves. */
  @ApiProperty({ type: Number, nullable: true })
  wave!: number | null;
  counts!: OperationCountsDto;
  @ApiProperty({ type: String, nullable: true })
  detail!: string | null;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiPropertyOptional({ format: 'date-time' })
  finishedAt?: string;
  links!: OperationLinksDto;
}

export class OperationTroubleDto {
  /** A dead letter, or a job. */
  target!: string;
  status!: string;
  @ApiProperty({ type: String, nullable: true })
  detail!: string | null;
}

export class OperationDetailDto extends OperationDto {
  /** The first 20 that did not succeed. */
  troubles!: OperationTroubleDto[];
}

export class OperationListDto {
  items!: OperationDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class DryRunCountsDto {
  total!: number;
  /** Named, but not there or in a state that this action is not for. */
  missing!: number;
  /** How many of each queue. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' } })
  byQueue!: Record<string, number>;
}

/** What an operation would be about. */
export class DryRunDto {
  dryRun!: true;
  @ApiProperty({ enum: [...operationActions] })
  action!: OperationAction;
  counts!: DryRunCountsDto;
  /** The first ten. */
  sample!: string[];
}
