import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { isTimeZone } from '../../platform/schedules/cron-turns';
import { faultOfCron } from '../../workloads/brokerage/sync-times';

const MAX_FIELDS = 10;
const MAX_FIELD_CHARACTERS = 1_000;
// A month: whoever wants less often has a cron expression.
const MAX_INTERVAL_MINUTES = 43_200;
const MAX_JITTER_SECONDS = 3_600;

// PostgreSQL has no text with a NUL in it.
const printable = /^[^\p{Cc}\p{Cs}]+$/u;

/** Unlike class-validator's own decorator this does not let null through. */
const Given = () => ValidateIf((_object, value) => value !== undefined);

export const IsPrintableText = (most: number) =>
  applyDecorators(
    IsString(),
    Length(1, most),
    Matches(printable, { message: '$property must be text without control characters' }),
  );

const areTexts = () =>
  ValidateBy({
    name: 'areTexts',
    validator: {
      validate: (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
        const texts: unknown[] = Object.values(value as object);
        return (
          texts.length <= MAX_FIELDS &&
          texts.every((text) => typeof text === 'string' && text.length <= MAX_FIELD_CHARACTERS)
        );
      },
      defaultMessage: (args) =>
        `${args?.property} must be an object of at most ${MAX_FIELDS} texts of ${MAX_FIELD_CHARACTERS} characters`,
    },
  });

const isCron = () =>
  ValidateBy({
    name: 'isCron',
    validator: {
      validate: (value, args) =>
        typeof value === 'string' && value.length <= 100 && faultOf(value, args?.object) === undefined,
      defaultMessage: (args) => {
        const fault = typeof args?.value === 'string' ? faultOf(args.value, args.object) : 'must be a text';
        return `${args?.property} ${fault ?? 'must have at most 100 characters'}`;
      },
    },
  });

const isZone = () =>
  ValidateBy({
    name: 'isTimeZone',
    validator: {
      validate: (value) => typeof value === 'string' && isTimeZone(value),
      defaultMessage: (args) => `${args?.property} must be the name of a time zone, such as America/New_York`,
    },
  });

function faultOf(expression: string, schedule?: object): string | undefined {
  const { timeZone } = (schedule ?? {}) as { timeZone?: unknown };
  // What is wrong with the zone is told at the zone.
  const zone = typeof timeZone === 'string' && isTimeZone(timeZone) ? timeZone : 'UTC';
  return faultOfCron(expression, zone);
}

export class ScheduleDto {
  /** `manual`: only when somebody asks for it. */
  @IsIn(['manual', 'interval', 'cron'])
  kind!: 'manual' | 'interval' | 'cron';

  /** Of `interval`. */
  @ValidateIf(({ kind }: ScheduleDto, value) => kind === 'interval' || value !== undefined)
  @IsInt()
  @Min(1)
  @Max(MAX_INTERVAL_MINUTES)
  @ApiPropertyOptional()
  everyMinutes?: number;

  /** Of `cron`: minute, hour, day of the month, month, day of the week. */
  @ValidateIf(({ kind }: ScheduleDto, value) => kind === 'cron' || value !== undefined)
  @isCron()
  @ApiPropertyOptional({ type: String, example: '30 6 * * 1-5' })
  expression?: string;

  /** Of `cron`; UTC unless it is named. */
  @Given()
  @isZone()
  @ApiPropertyOptional({ type: String, example: 'America/New_York' })
  timeZone?: string;

  /** Each connection runs up to so many seconds late, always by the same part of them; 60 unless it is given. */
  @Given()
  @IsInt()
  @Min(0)
  @Max(MAX_JITTER_SECONDS)
  jitterSeconds?: number;
}

export class CreateConnectionDto {
  /** Whose account it is, as the application calls its users. */
  @IsPrintableText(255)
  userId!: string;

  /** For people. */
  @IsPrintableText(100)
  name!: string;

  /** The kind of source; "detail" of a refusal names those there are. */
  @IsPrintableText(50)
  adapter!: string;

  /** Of `alpaca`: `environment` (`paper` unless it says `live`), or a `baseUrl` of its own. */
  @Given()
  @IsObject()
  @areTexts()
  @ApiPropertyOptional({ type: Object, additionalProperties: { type: 'string' } })
  settings?: Record<string, string>;

  /** Of `alpaca`: `keyId` and `secretKey`. They are kept sealed, and no answer shows them. */
  @IsObject()
  @areTexts()
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  credentials!: Record<string, string>;

  /** `manual` unless it is given. */
  @Given()
  @IsObject()
  @ValidateNested()
  @Type(() => ScheduleDto)
  schedule?: ScheduleDto;
}

export class ChangeConnectionDto {
  @Given()
  @IsPrintableText(100)
  name?: string;

  /** All of them anew. Whoever changes where the credentials go has to send them again. */
  @Given()
  @IsObject()
  @areTexts()
  @ApiPropertyOptional({ type: Object, additionalProperties: { type: 'string' } })
  settings?: Record<string, string>;

  /** All of them anew. */
  @Given()
  @IsObject()
  @areTexts()
  @ApiPropertyOptional({ type: Object, additionalProperties: { type: 'string' } })
  credentials?: Record<string, string>;

  @Given()
  @IsObject()
  @ValidateNested()
  @Type(() => ScheduleDto)
  schedule?: ScheduleDto;

  /** A paused connection has no scheduled syncs; it can still be asked for one. */
  @Given()
  @IsBoolean()
  paused?: boolean;
}

export class ConnectionListQueryDto extends PageQueryDto {
  /** Only those of one user. */
  @IsOptional()
  @IsPrintableText(255)
  userId?: string;
}

export class ShownScheduleDto {
  @ApiProperty({ enum: ['manual', 'interval', 'cron'] })
  kind!: 'manual' | 'interval' | 'cron';
  everyMinutes?: number;
  expression?: string;
  timeZone?: string;
  jitterSeconds?: number;
}

export class ConnectionDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  userId!: string;
  name!: string;
  adapter!: string;
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  settings!: Record<string, string>;
  schedule!: ShownScheduleDto;
  paused!: boolean;

  /** Why the server itself has paused it. */
  @ApiProperty({ type: String, nullable: true })
  pauseReason!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  nextRunAt!: string | null;

  /** Of the newest activity that is known, by the broker's clock. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  newestActivityAt!: string | null;

  createdBy!: string;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: Record<string, string>;
}

export class ConnectionListDto {
  items!: ConnectionDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
