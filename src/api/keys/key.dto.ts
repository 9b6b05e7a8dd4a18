import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  isRFC3339,
} from 'class-validator';
import { isGrant, isTenant, roles, type Grant, type KeyRole } from '../../platform/auth/permissions';

const MAX_GRANTS = 100;
const MAX_QUEUES = 100;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
const MAX_LIMIT_REQUESTS = 1_000_000;
const MAX_LIMIT_JOBS = 1_000_000_000;
const MAX_GRACE_SECONDS = 2_592_000;
const DEFAULT_GRACE_SECONDS = 86_400;

// PostgreSQL has no text with a NUL in it.
const printable = /^[^\p{Cc}\p{Cs}]+$/u;
const queueName = /^[A-Za-z0-9_-]{1,100}$/;

const Given = () => ValidateIf((_object, value) => value !== undefined);

const IsTenant = () =>
  ValidateBy({
    name: 'isTenant',
    validator: {
      validate: (value) => typeof value === 'string' && isTenant(value),
      defaultMessage: (args) => `${args?.property} must be 1 to 40 small letters, digits or dashes`,
    },
  });

const AreGrants = () =>
  ValidateBy({
    name: 'areGrants',
    validator: {
      validate: (value) =>
        Array.isArray(value) && value.every((one) => typeof one === 'string' && isGrant(one)),
      defaultMessage: (args) =>
        `${args?.property} must be permissions such as jobs:write or jobs:write@email`,
    },
  });

const IsTime = () =>
  ValidateBy({
    name: 'isTime',
    validator: {
      // The format alone lets a thirteenth month through, and the year 0, which PostgreSQL does not have.
      validate: (value) => isRFC3339(value) && Date.parse(value as string) > 0,
      defaultMessage: (args) => `${args?.property} must be a time such as 2030-01-31T00:00:00Z`,
    },
  });

const IsName = () =>
  applyDecorators(
    IsString(),
    Length(1, 100),
    Matches(printable, { message: '$property must be text without control characters' }),
  );

class KeyRightsDto {
  /** The queues on which the role holds; null or nothing for all of them. */
  @ApiPropertyOptional({ type: [String], nullable: true })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_QUEUES)
  @Matches(queueName, { each: true, message: 'each value in queues must be the name of a queue' })
  queues?: string[] | null;

  /** Permissions beyond the role, everywhere or on one queue: `payloads:read`, `jobs:write@email`. */
  @ApiPropertyOptional({ type: [String] })
  @Given()
  @ArrayMaxSize(MAX_GRANTS)
  @AreGrants()
  grants?: Grant[];

  /** Requests it may send in a second: null for the server's own limit, 0 for none. */
  @ApiPropertyOptional({ type: Number, nullable: true })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_LIMIT_REQUESTS)
  requestsPerSecond?: number | null;

  /** Jobs it may store in a minute: null for the server's own limit, 0 for none. */
  @ApiPropertyOptional({ type: Number, nullable: true })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_LIMIT_JOBS)
  jobsPerMinute?: number | null;

  /** When the key ends; null for never. */
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true })
  @IsOptional()
  @IsTime()
  expiresAt?: string | null;
}

export class CreateKeyDto extends KeyRightsDto {
  /** What the key is for, in a person's words. */
  @IsName()
  name!: string;

  @ApiProperty({ enum: [...roles] })
  @IsIn(roles)
  role!: KeyRole;

  /** Whose jobs the key is for; the creator's own tenant where it is left out. */
  @Given()
  @IsTenant()
  tenant?: string;
}

export class ChangeKeyDto extends KeyRightsDto {
  /** What the key is for, in a person's words. */
  @Given()
  @IsName()
  name?: string;

  @ApiPropertyOptional({ enum: [...roles] })
  @Given()
  @IsIn(roles)
  role?: KeyRole;
}

export class RotateKeyDto {
  /** How long the secret until now goes on, so that callers can change over; at most 30 days. */
  @Given()
  @IsInt()
  @Min(0)
  @Max(MAX_GRACE_SECONDS)
  graceSeconds: number = DEFAULT_GRACE_SECONDS;
}

export class KeyListQueryDto {
  /** At most 200; a larger number counts as 200. */
  @IsOptional()
  @Transform(({ value }) => toLimit(value))
  @IsInt()
  @Min(1)
  limit: number = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @IsOptional()
  @IsString()
  cursor?: string;
}

export class KeyLinksDto {
  self!: string;
  rotate!: string;
  revoke!: string;
}

export class KeyDto {
  /** The public half of the key. */
  kid!: string;
  name!: string;
  tenant!: string;
  @ApiProperty({ enum: [...roles] })
  role!: KeyRole;
  @ApiProperty({ type: [String], nullable: true })
  queues!: string[] | null;
  grants!: string[];
  @ApiProperty({ type: Number, nullable: true })
  requestsPerSecond!: number | null;
  @ApiProperty({ type: Number, nullable: true })
  jobsPerMinute!: number | null;
  @ApiProperty({ enum: ['active', 'expired', 'revoked'] })
  state!: 'active' | 'expired' | 'revoked';
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  /** The key that made it; `bootstrap` or `local` for the server's own, `command line` for a person at the machine. */
  createdBy!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expiresAt!: string | null;
  /** To the minute. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  lastUsedAt!: string | null;
  /** Until when the secret before the newest goes on. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  previousSecretUntil!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  revokedAt!: string | null;
  links!: KeyLinksDto;
}

export class CreatedKeyDto extends KeyDto {
  /** The whole key, shown this once. */
  key!: string;
}

export class KeyListDto {
  items!: KeyDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

function toLimit(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Math.min(Number(value), MAX_LIMIT) : value;
}
