import { ApiProperty } from '@nestjs/swagger';

export class SyncRunDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  @ApiProperty({ format: 'uuid' })
  connectionId!: string;
  @ApiProperty({ enum: ['schedule', 'manual', 'job'] })
  trigger!: string;
  @ApiProperty({ enum: ['queued', 'running', 'completed', 'failed'] })
  status!: string;
  jobId!: string;
  pages!: number;
  /** Activities that the broker sent, those among them that were there already. */
  received!: number;
  inserted!: number;
  updated!: number;
  /** How often the broker asked to wait. */
  throttled!: number;

  /** How far the broker's clock is ahead of ours. */
  @ApiProperty({ type: Number, nullable: true })
  clockAheadMs!: number | null;

  /** Whether the positions are those of the broker; null before they were compared. */
  @ApiProperty({ enum: ['matches', 'differs', 'unavailable'], nullable: true })
  positions!: string | null;

  @ApiProperty({ type: String, nullable: true })
  errorMessage!: string | null;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finishedAt!: string | null;
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: Record<string, string>;
}

export class SyncRunListDto {
  items!: SyncRunDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class RequestedSyncDto extends SyncRunDto {
  /** Whether a sync was under way already, which is this one. */
  deduplicated!: boolean;
}

export class PositionDifferenceDto {
  symbol!: string;
  /** As the activities make it; an exact decimal. */
  computed!: string;
  /** As the broker tells it. */
  reported!: string;
  difference!: string;
}

export class ReconciliationDto {
  @ApiProperty({ format: 'uuid' })
  runId!: string;
  @ApiProperty({ enum: ['matches', 'differs', 'unavailable'] })
  status!: string;
  @ApiProperty({ format: 'date-time' })
  checkedAt!: string;
  symbols!: number;
  /** All of them; `differences` lists the first 200. */
  differenceCount!: number;
  differences!: PositionDifferenceDto[];
}

export class ActivityDto {
  externalId!: string;
  @ApiProperty({ enum: ['trade', 'split', 'transfer', 'cash'] })
  kind!: string;
  /** The broker's own word. */
  type!: string;
  @ApiProperty({ type: String, nullable: true })
  symbol!: string | null;
  @ApiProperty({ enum: ['buy', 'sell'], nullable: true })
  side!: string | null;
  /** By how much the position changes; an exact decimal. */
  @ApiProperty({ type: String, nullable: true })
  quantity!: string | null;
  @ApiProperty({ type: String, nullable: true })
  price!: string | null;
  @ApiProperty({ type: String, nullable: true })
  cash!: string | null;
  @ApiProperty({ type: String, nullable: true })
  fee!: string | null;
  @ApiProperty({ type: String, nullable: true })
  currency!: string | null;
  @ApiProperty({ format: 'date-time' })
  occurredAt!: string;
}

export class ActivityListDto {
  items!: ActivityDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
