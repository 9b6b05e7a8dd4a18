import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional, IsString, Length, Matches } from 'class-validator';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import type { NotificationType } from '../../workloads/tasks/notifications.tables';

// PostgreSQL has no text with a NUL in it.
const storable = /^[^\0]*$/;
const storableSays = { message: '$property must be a text without NUL' };

export class NotificationListQueryDto extends PageQueryDto {
  /** Whose notifications. */
  @Matches(storable, storableSays)
  @IsString()
  @Length(1, 255)
  userId!: string;

  /** Only those that are unread, or with `false` only those that are read. */
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : (value as unknown)))
  @IsBoolean()
  @ApiPropertyOptional({ type: Boolean })
  unread?: boolean;
}

export class NotificationEventsQueryDto {
  /** Whose notifications. */
  @Matches(storable, storableSays)
  @IsString()
  @Length(1, 255)
  userId!: string;

  /** As the header Last-Event-ID, for those who cannot send it. */
  @IsOptional()
  @IsString()
  lastEventId?: string;
}

export class ReadAllDto {
  /** Whose notifications. */
  @Matches(storable, storableSays)
  @IsString()
  @Length(1, 255)
  userId!: string;

  /** The id of the last notification to be marked; what came later stays unread. */
  @IsOptional()
  @IsString()
  @Length(1, 100)
  upTo?: string;
}

export class ReadAllAnswerDto {
  userId!: string;
  /** How many were unread until now. */
  marked!: number;
  /** How many still are. */
  unread!: number;
}

export class NotificationDto {
  id!: string;
  userId!: string;

  /** `•••` without `payloads:read`, as body and metadata are. */
  title!: string;
  body!: string;

  @ApiProperty({ enum: ['info', 'warning', 'error', 'success'] })
  type!: NotificationType;

  @ApiProperty({
    nullable: true,
    oneOf: [{ type: 'object', additionalProperties: true }, { type: 'string' }],
  })
  metadata!: unknown;

  read!: boolean;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  readAt!: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  /** The job that made it. */
  jobId!: string;

  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: { self: string; job: string };
}

export class NotificationListDto {
  items!: NotificationDto[];

  /** Of all notifications of the user, whatever this page shows. */
  unread!: number;

  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
