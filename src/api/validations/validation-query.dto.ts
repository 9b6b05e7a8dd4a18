import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import type { ValidationStatus } from '../../workloads/validation/validation.tables';

const statuses: ValidationStatus[] = ['queued', 'processing', 'completed', 'failed', 'cancelled'];

// PostgreSQL has no text with a NUL in it.
const storable = /^[^\0]*$/;
const storableSays = { message: '$property must be a text without NUL' };

export class ValidationListQueryDto extends PageQueryDto {
  @IsOptional()
  @IsIn(statuses)
  status?: ValidationStatus;
}

export class FindingsQueryDto extends PageQueryDto {
  @IsOptional()
  @Matches(storable, storableSays)
  @MaxLength(1_000)
  column?: string;

  @IsOptional()
  @Matches(storable, storableSays)
  @MaxLength(200)
  rule?: string;

  @IsOptional()
  @IsIn(['info', 'warning', 'error'])
  severity?: 'info' | 'warning' | 'error';

  /** `rule`: how often each rule was broken in each column, instead of the single findings. */
  @IsOptional()
  @IsIn(['rule'])
  group?: 'rule';
}

export class LogsQueryDto extends PageQueryDto {
  @IsOptional()
  @Matches(storable, storableSays)
  @MaxLength(50)
  source?: string;
}

export class ReportQueryDto {
  /** Instead of an Accept header, for a link in a page. */
  @IsOptional()
  @IsIn(['csv', 'json'])
  format?: 'csv' | 'json';
}

export class EventsQueryDto {
  /** Instead of the Last-Event-ID header. */
  @IsOptional()
  @IsString()
  @MaxLength(20)
  lastEventId?: string;
}
