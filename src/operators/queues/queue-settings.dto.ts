import { ApiProperty } from '@nestjs/swagger';
import { priorities, type Priority } from '../../platform/queue/priority';

export class RateLimitSetting {
  max: number;
  durationMs: number;
}

export class BackoffSetting {
  @ApiProperty({ enum: ['fixed', 'exponential'] })
  type: 'fixed' | 'exponential';
  delayMs: number;
}

export class RetentionSetting {
  ageMs: number;
  count: number;
}

export class RetentionSettings {
  completed: RetentionSetting;
  failed: RetentionSetting;
}

export class JobTypeSettings {
  type: string;
  @ApiProperty({ type: String, nullable: true })
  description: string | null;
  /** Total runs, the first included. */
  attempts: number;
  backoff: BackoffSetting;
  @ApiProperty({ enum: [...priorities] })
  priority: Priority;
}

/** Limits over all workers together, set by operators. */
export class QueueLimits {
  @ApiProperty({ type: Number, nullable: true })
  concurrency: number | null;
  @ApiProperty({ type: RateLimitSetting, nullable: true })
  rateLimit: RateLimitSetting | null;
}

/** Each part is null where it is not known: somebody has paused the queue past the API. */
export class QueuePauseView {
  @ApiProperty({ type: String, nullable: true })
  by: string | null;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  since: string | null;
  @ApiProperty({ type: String, nullable: true })
  reason: string | null;
  /** When it goes on by itself. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  until: string | null;
}

export class QueueSettings {
  name: string;
  domain: string;
  description: string;
  /** Jobs at a time in one worker. */
  concurrency: number;
  @ApiProperty({ type: RateLimitSetting, nullable: true })
  limiter: RateLimitSetting | null;
  /** Total runs of a job whose type says nothing else, the first included. */
  attempts: number;
  backoff: BackoffSetting;
  /** How long finished jobs stay. */
  retention: RetentionSettings;
  /** The priorities a job may have, most urgent first. */
  @ApiProperty({ enum: [...priorities], isArray: true })
  priorities: Priority[];
  types: JobTypeSettings[];
  /** After a crash a job waits at most about this long, and one check for stalled jobs more, for its next start. */
  lockDurationMs: number;
  paused: boolean;
  @ApiProperty({ type: QueuePauseView, nullable: true })
  pause: QueuePauseView | null;
  limits: QueueLimits;
  /** Connected workers over all processes; null when this Redis user may not list clients. */
  @ApiProperty({ type: Number, nullable: true })
  workers: number | null;
}

export class QueueList {
  queues: QueueSettings[];
}
