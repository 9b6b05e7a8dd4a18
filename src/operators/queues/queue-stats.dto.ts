import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';

export class QueueStatsQuery {
  /** Only this queue. */
  @IsOptional()
  @IsString()
  @MaxLength(63)
  queue?: string;
}

export class QueueStatsEntry {
  name: string;
  /** Jobs that could start now, prioritised ones included. */
  waiting: number;
  /** The part of `waiting` that runs in order of arrival. */
  unprioritized: number;
  /** The part of `waiting` that runs by priority. */
  prioritized: number;
  active: number;
  completed: number;
  failed: number;
  delayed: number;
  /** Jobs of flows that wait for others to end. */
  waitingChildren: number;
  /** Whether the queue is paused: its waiting jobs do not start. */
  paused: boolean;
  /** What a worker would have to do: waiting, active, and delayed jobs that are due. */
  backlog: number;
  /** How long the oldest waiting job has been waiting; null when none waits. */
  @ApiProperty({ type: Number, nullable: true })
  oldestWaitingMs: number | null;
  /** Connected workers over all processes; null when this Redis user may not list clients. */
  @ApiProperty({ type: Number, nullable: true })
  workers: number | null;
}

/** All queues at once; each count is the sum over `stats`. */
export class QueueStats {
  waiting: number;
  unprioritized: number;
  prioritized: number;
  active: number;
  completed: number;
  failed: number;
  delayed: number;
  /** Jobs of flows that wait for others to end. */
  waitingChildren: number;
  /** The part of `waiting` that stands in paused queues. */
  paused: number;
  backlog: number;
  /** The longest over all queues; null when no job waits. */
  @ApiProperty({ type: Number, nullable: true })
  oldestWaitingMs: number | null;
  stats: QueueStatsEntry[];
}
