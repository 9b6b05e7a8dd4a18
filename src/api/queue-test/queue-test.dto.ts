import { Allow, IsBoolean, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { ApiProperty } from '@nestjs/swagger';
import { TEST_JOB_MAX_DELAY_MS } from '../../workloads/tasks/default/default.payload';
import { JobDto } from '../jobs/job.dto';

export const queueTestActions = ['add-job', 'start-worker', 'process-next'] as const;
export type QueueTestAction = (typeof queueTestActions)[number];

export class QueueTestDto {
  // An unknown action is a 400 of its own, so that its detail can name those that exist.
  @ApiProperty({ enum: queueTestActions })
  @Allow()
  action!: unknown;

  /** For `add-job`: what the job answers with. */
  @IsOptional()
  @IsString()
  @Length(1, 1_000)
  message?: string;

  /** For `add-job`: how long the job works, in milliseconds. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(TEST_JOB_MAX_DELAY_MS)
  delay?: number;

  /** For `add-job`: makes every attempt fail. */
  @IsOptional()
  @IsBoolean()
  shouldFail?: boolean;
}

export class QueueTestCountsDto {
  name!: string;
  waiting!: number;
  active!: number;
  completed!: number;
  failed!: number;
  delayed!: number;
}

export class QueueTestRedisDto {
  configured!: boolean;
  connected!: boolean;
  @ApiProperty({ type: Number, nullable: true })
  latencyMs!: number | null;
  /** In Redis's own words, such as `1.20M`. */
  @ApiProperty({ type: String, nullable: true })
  memory!: string | null;
  @ApiProperty({ type: Number, nullable: true })
  clients!: number | null;
}

export class QueueTestWorkerDto {
  /** Whether any process works the queue. */
  running!: boolean;
  /** Whether this process does. */
  runningHere!: boolean;
}

export class QueueTestStatusDto {
  queue!: QueueTestCountsDto;
  redis!: QueueTestRedisDto;
  worker!: QueueTestWorkerDto;
}

/** The answer to an action, with the members that this action has. */
export class QueueTestResultDto {
  @ApiProperty({ enum: queueTestActions })
  action!: QueueTestAction;
  jobId?: string;
  job?: JobDto;
  worker?: QueueTestWorkerDto;
}
