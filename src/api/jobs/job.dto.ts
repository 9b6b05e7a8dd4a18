import { anyJson } from '../../platform/http/any-json';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { JobState } from '../../platform/queue/job-snapshot';
import { priorities, type Priority } from '../../platform/queue/priority';

const states: JobState[] = [
  'waiting',
  'active',
  'delayed',
  'completed',
  'failed',
  'cancelled',
  'waiting-children',
  'removed',
];

export class JobAttemptsDto {
  /** Attempts that have ended. */
  made!: number;
  max!: number;
  /** When the next attempt may begin, after one that failed. */
  @ApiPropertyOptional({ format: 'date-time' })
  nextAt?: string;
}

export class JobProgressDto {
  percent!: number;
  stage?: string;
  message?: string;
}

export class JobErrorDto {
  name!: string;
  message!: string;
  /** What failures by the same fault share; `GET /api/queue/jobs?errorGroup=…` finds them. */
  group?: string;
}

/** Why a job waits although workers may be free. */
export class JobHoldDto {
  /** The key that its queue limits it by. */
  key!: string;
  /** `turn` where only the jobs before it, and the turns of other keys, keep it waiting. */
  @ApiProperty({ enum: ['rate', 'concurrency', 'turn'] })
  reason!: 'rate' | 'concurrency' | 'turn';
  /** When the key may start its next job, which need not be this one. */
  @ApiPropertyOptional({ format: 'date-time' })
  nextAt?: string;
}

export class JobFlowDto {
  /** `GET /api/flows/{id}` shows all its jobs. */
  id!: string;
  /** The names from the last job of the flow down to this one; empty for the last one. */
  path!: string;
}

export class JobLinksDto {
  self!: string;
  dashboard!: string;
}

export class JobDto {
  id!: string;
  /** The caller's own key of the job. */
  @ApiProperty({ type: String, nullable: true })
  key!: string | null;
  queue!: string;
  type!: string;
  @ApiProperty({ enum: states })
  state!: JobState;
  /** Whether it has completed, failed for good or was cancelled; then there is either `result` or `error`. */
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
  attempts!: JobAttemptsDto;
  progress!: JobProgressDto;
  @ApiPropertyOptional({
    ...anyJson,
    description:
      'What the job returned, null for nothing; of a large result a reference with a `link` to it.',
  })
  result?: unknown;
  error?: JobErrorDto;
  /** True where the result was too large for the history, which is all that is left of the job. */
  resultOmitted?: boolean;
  /** Only where one job is read while it waits for its key. */
  hold?: JobHoldDto;
  /** The flow that the job belongs to. */
  flow?: JobFlowDto;
  links!: JobLinksDto;
}

/** The answer to an enqueue. */
export class CreatedJobDto extends JobDto {
  /** True when the key named a job that was there already; this is that job. */
  deduplicated!: boolean;
  /** What of the request was accepted without having its effect. */
  warnings?: string[];
}
