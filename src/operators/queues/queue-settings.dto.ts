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
  /** Connected workers over all processes; null when this Redis user may not list clients. */
  @ApiProperty({ type: Number, nullable: true })
  workers: number | null;
}

export class QueueList {
  queues: QueueSettings[];
}
