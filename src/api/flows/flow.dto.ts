import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Length } from 'class-validator';
import { failurePolicies, type FailurePolicy } from '../../platform/flows/flow-node';
import { flowStates, type FlowJobState, type FlowState } from '../../platform/flows/flow-status';
import { JobErrorDto } from '../jobs/job.dto';

const jobStates: FlowJobState[] = [
  'promised',
  'waiting',
  'waiting-children',
  'active',
  'delayed',
  'completed',
  'failed',
  'cancelled',
  'removed',
];

export class FlowAttemptsDto {
  /** Attempts that have ended. */
  made!: number;
  max!: number;
}

export class FlowJobLinksDto {
  self!: string;
  dashboard!: string;
}

/** One job of a flow, and those it waits for. */
export class FlowJobDto {
  id!: string;
  /** By which its parent knows it; empty for the last job, on which all others lead. */
  name!: string;
  queue!: string;
  type!: string;
  /** `promised`: on its way to its queue; `removed`: neither Redis nor the history knows it any more. */
  @ApiProperty({ enum: jobStates })
  state!: FlowJobState;
  /** What its death does to the job that waits for it. */
  @ApiPropertyOptional({ enum: [...failurePolicies] })
  onFailure?: FailurePolicy;
  /** 0 to 100. */
  progress!: number;
  attempts!: FlowAttemptsDto;
  @ApiPropertyOptional({ format: 'date-time' })
  startedAt?: string;
  @ApiPropertyOptional({ format: 'date-time' })
  finishedAt?: string;
  error?: JobErrorDto;
  @ApiProperty({ type: () => [FlowJobDto] })
  children!: FlowJobDto[];
  links!: FlowJobLinksDto;
}

export class IgnoredFailureDto {
  /** The names from the last job down, with dots. */
  path!: string;
  jobId!: string;
}

export class FlowLinksDto {
  self!: string;
  events!: string;
  cancel!: string;
}

/** Jobs that wait for one another, as they stand. */
export class FlowDto {
  id!: string;
  /** The id of the request that it works for. */
  key!: string;
  @ApiProperty({ enum: [...flowStates] })
  state!: FlowState;
  done!: boolean;
  /** The mean over all its jobs, 0 to 100. */
  progress!: number;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiPropertyOptional({ format: 'date-time' })
  finishedAt?: string;
  /** Jobs that died although the flow went on. */
  @ApiProperty({ type: [IgnoredFailureDto] })
  ignoredFailures!: IgnoredFailureDto[];
  root!: FlowJobDto;
  links!: FlowLinksDto;
}

export class CancelFlowDto {
  /** Why; told to whoever looks at its jobs. */
  @IsOptional()
  @IsString()
  @Length(1, 500)
  reason?: string;
}
