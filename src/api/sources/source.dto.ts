import { ApiProperty, ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  Length,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { FeedShapeDto } from '../../workloads/feeds/feed-shape.dto';
import type { HeaderValue } from '../../workloads/feeds/feeds.tables';
import { IsSourceName } from '../../workloads/feeds/source-name';
import { isTimeZone } from '../../platform/schedules/cron-turns';

const MAX_HEADERS = 20;
const headerName = /^[A-Za-z0-9-]{1,64}$/;
const headerText = /^[\x20-\x7e\t]{0,1000}$/;
const secretName = /^[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,30}){0,5}$/;
// They are the connection's own, or would make the answer another's.
const fixedHeaders = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'if-none-match',
  'if-modified-since',
  'range',
  'upgrade',
  'te',
  'trailer',
  'proxy-authorization',
]);

function areHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= MAX_HEADERS && entries.every(([name, one]) => isHeader(name, one));
}

function isHeader(name: string, value: unknown): boolean {
  if (!headerName.test(name) || fixedHeaders.has(name.toLowerCase())) return false;
  if (typeof value === 'string') return headerText.test(value);
  if (typeof value !== 'object' || value === null) return false;
  const { secret, ...others } = value as { secret?: unknown };
  return typeof secret === 'string' && secretName.test(secret) && Object.keys(others).length === 0;
}

const AreHeaders = () =>
  ValidateBy({
    name: 'areHeaders',
    validator: {
      validate: areHeaders,
      defaultMessage: () =>
        `headers must be up to ${MAX_HEADERS} names, each with a text or with {"secret": "NAME"}, and none that the connection sets itself`,
    },
  });

const IsTimeZoneName = () =>
  ValidateBy({
    name: 'isTimeZone',
    validator: {
      validate: (value) => typeof value === 'string' && value.length <= 64 && isTimeZone(value),
      defaultMessage: () => 'timeZone must be one of the IANA names, such as Europe/Berlin',
    },
  });

/** Unlike IsOptional it lets null through only where null means something. */
const Given = () => ValidateIf((_object, value) => value !== undefined);
const GivenOrNull = () => ValidateIf((_object, value) => value !== undefined && value !== null);

export class SourceRateDto {
  /** Items that may start in the duration. */
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  max!: number;

  /** Milliseconds. */
  @IsInt()
  @Min(1)
  @Max(86_400_000)
  durationMs!: number;
}

export class CreateSourceDto extends FeedShapeDto {
  /** What its items are found under; the address unless given. */
  @ApiPropertyOptional()
  @Given()
  @IsSourceName()
  @Length(1, 2_048)
  name?: string;

  @IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false, disallow_auth: true })
  @IsSourceName()
  @Length(1, 2_048)
  url!: string;

  /** Sent with each request; a secret is named, `{"secret": "NAME"}`, and stands in FEED_SECRET_NAME. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, nullable: true })
  @GivenOrNull()
  @AreHeaders()
  headers?: Record<string, HeaderValue> | null;

  /** A cron expression of five or six fields; null for imports on request only. */
  @ApiPropertyOptional({ type: String, nullable: true })
  @GivenOrNull()
  @IsString()
  @Length(9, 100)
  schedule?: string | null;

  /** Of the schedule. */
  @ApiPropertyOptional({ default: 'UTC' })
  @Given()
  @IsTimeZoneName()
  timeZone?: string;

  /** How much later than its schedule it may run, in seconds; always the same for one source. */
  @ApiPropertyOptional({ default: 0 })
  @Given()
  @IsInt()
  @Min(0)
  @Max(3_600)
  jitterSeconds?: number;

  /** Null for what the queue allows each source. */
  @ApiPropertyOptional({ type: () => SourceRateDto, nullable: true })
  @GivenOrNull()
  @IsObject()
  @ValidateNested()
  @Type(() => SourceRateDto)
  rate?: SourceRateDto | null;

  /** Whether its schedule counts, and whether it is among all that are imported together. */
  @ApiPropertyOptional({ default: true })
  @Given()
  @IsBoolean()
  enabled?: boolean;
}

export class ChangeSourceDto extends PartialType(CreateSourceDto, { skipNullProperties: false }) {}

export class SourceListQueryDto extends PageQueryDto {
  @IsOptional()
  @IsIn(['true', 'false'])
  enabled?: 'true' | 'false';
}

export class SourceDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  name!: string;
  url!: string;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  mapping!: object | null;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  paging!: object | null;
  /** Texts are shown with `payloads:read` only. */
  @ApiProperty({
    nullable: true,
    oneOf: [{ type: 'object', additionalProperties: true }, { type: 'string' }],
  })
  headers!: unknown;
  @ApiProperty({ type: String, nullable: true })
  schedule!: string | null;
  timeZone!: string;
  jitterSeconds!: number;
  @ApiProperty({ type: () => SourceRateDto, nullable: true })
  rate!: SourceRateDto | null;
  enabled!: boolean;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  nextRunAt!: string | null;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: { self: string; items: string };
}

export class SourceListDto {
  items!: SourceDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
