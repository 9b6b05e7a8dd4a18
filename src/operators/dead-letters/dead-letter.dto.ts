import { anyJson } from '../../platform/http/any-json';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { deadLetterStatuses, type DeadLetterStatus } from '../../platform/dead-letter/dead-letter.tables';
import { deathCauses, type DeathCause } from '../../platform/queue/death-cause';

export class DeadLetterErrorDto {
  name!: string;
  message!: string;
  /** The same for deaths by the same fault. */
  group!: string;
  /** Only of a single dead letter. */
  stack?: string;
}

export class DeadLetterAttemptsDto {
  made!: number;
  max!: number;
}

export class DeadLetterDecisionDto {
  /** Null where nobody here decided: the job ran again by other means. */
  @ApiProperty({ type: String, nullable: true })
  by!: string | null;
  @ApiProperty({ type: String, nullable: true })
  reason!: string | null;
  @ApiProperty({ format: 'date-time' })
  at!: string;
}

export class DeadLetterLinksDto {
  self!: string;
  job!: string;
  redrive!: string;
  dashboard!: string;
}

export class DeadLetterDto {
  id!: string;
  @ApiProperty({ enum: [...deadLetterStatuses] })
  status!: DeadLetterStatus;
  /** The queue in which the job died. */
  queue!: string;
  jobId!: string;
  /** How often the job had been sent back before this death. */
  generation!: number;
  @ApiProperty({ type: String, nullable: true })
  key!: string | null;
  type!: string;
  @ApiProperty({ enum: [...deathCauses] })
  cause!: DeathCause;
  error!: DeadLetterErrorDto;
  attempts!: DeadLetterAttemptsDto;
  @ApiPropertyOptional({ format: 'date-time' })
  createdAt?: string;
  @ApiProperty({ format: 'date-time' })
  finishedAt!: string;
  redriveCount!: number;
  /** The job that runs in its place. */
  @ApiProperty({ type: String, nullable: true })
  redrivenAs!: string | null;
  /** The dead letter of the run before. */
  @ApiProperty({ type: String, nullable: true })
  redrivenFrom!: string | null;
  /** Whether its payload was changed after the death. */
  edited!: boolean;
  @ApiPropertyOptional({ description: 'The last decision about it, once there is one.' })
  decision?: DeadLetterDecisionDto;
  links!: DeadLetterLinksDto;
}

/** One dead letter with everything that is known of it. */
export class DeadLetterDetailDto extends DeadLetterDto {
  @ApiProperty({ ...anyJson, description: 'The payload as it was; a text where it is not JSON.' })
  payload!: unknown;
  @ApiPropertyOptional({ ...anyJson, description: 'The payload that it runs with instead.' })
  editedPayload?: unknown;
  @ApiProperty({ type: 'object', additionalProperties: true })
  options!: Record<string, unknown>;
  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  history!: object[];
}

export class DeadLetterListDto {
  items!: DeadLetterDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class DeadLetterGroupDto {
  errorGroup!: string;
  queue!: string;
  type!: string;
  @ApiProperty({ enum: [...deathCauses] })
  cause!: DeathCause;
  name!: string;
  message!: string;
  count!: number;
  @ApiProperty({ format: 'date-time' })
  firstAt!: string;
  @ApiProperty({ format: 'date-time' })
  lastAt!: string;
  /** One of them. */
  sampleId!: string;
}

export class DeadLetterGroupsDto {
  groups!: DeadLetterGroupDto[];
}

export class ReturnedJobLinksDto {
  self!: string;
}

/** The job that runs again. */
export class ReturnedJobDto {
  id!: string;
  /** How often it was sent back. */
  generation!: number;
  links!: ReturnedJobLinksDto;
}
