import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsOptional, Matches, MaxLength } from 'class-validator';
import { storable, storableSays } from '../../platform/http/field-patterns';
import type { AuditOutcome } from '../../platform/audit/audit.tables';
import { PageQueryDto } from '../../platform/http/page-query.dto';

const outcomes = ['done', 'refused', 'failed', 'unknown'] as const;

/** Which entries are meant; what is left out does not matter. */
export class AuditQuery extends PageQueryDto {
  /** Who: the public half of a key, `jwt:<subject>`, `bootstrap`, `local`, `command line`. */
  @IsOptional()
  @Matches(storable, storableSays)
  @MaxLength(300)
  actor?: string;

  /** What: `keys.revoke`, `dashboard.pause`. */
  @IsOptional()
  @Matches(storable, storableSays)
  @MaxLength(100)
  action?: string;

  /** The id or name it was done to. */
  @IsOptional()
  @Matches(storable, storableSays)
  @MaxLength(300)
  target?: string;

  @IsOptional()
  @IsIn(outcomes)
  outcome?: AuditOutcome;

  /** Not before this time. */
  @IsOptional()
  @IsISO8601({ strict: true })
  from?: string;

  /** Not after this time. */
  @IsOptional()
  @IsISO8601({ strict: true })
  to?: string;
}

export class AuditEntryDto {
  /** Its place in the chain, without a gap from 1 on. */
  @ApiProperty({ type: 'integer' })
  seq!: number;
  @ApiProperty({ format: 'date-time' })
  at!: string;
  tenant!: string;
  actor!: string;
  @ApiProperty({ type: String, nullable: true })
  role!: string | null;
  @ApiProperty({ enum: ['api', 'dashboard', 'command line'] })
  origin!: 'api' | 'dashboard' | 'command line';
  action!: string;
  @ApiProperty({ type: String, nullable: true })
  target!: string | null;
  @ApiProperty({ type: String, nullable: true })
  reason!: string | null;
  /** What changed, as far as it is nobody's payload. */
  @ApiProperty({ type: Object, nullable: true, additionalProperties: true })
  detail!: object | null;
  /** `unknown`: the process died while it was at it. */
  @ApiProperty({ enum: [...outcomes] })
  outcome!: AuditOutcome;
  /** The status of the answer. */
  @ApiProperty({ type: 'integer', nullable: true })
  status!: number | null;
  requestId!: string;
  /** Covers this entry and the one before it. */
  hash!: string;
}

export class AuditListDto {
  items!: AuditEntryDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
