import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { wellFormed, wellFormedSays } from '../../platform/http/field-patterns';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { errorGroupStatuses, type ErrorGroupStatus } from '../../workloads/agents/error-groups.tables';

export class ErrorGroupListQueryDto extends PageQueryDto {
  @IsOptional()
  @IsIn([...errorGroupStatuses])
  @ApiPropertyOptional({ enum: [...errorGroupStatuses] })
  status?: ErrorGroupStatus;

  @IsOptional()
  @Matches(/^[A-Za-z0-9_-]{1,63}$/, { message: 'queue must be the name of a queue' })
  queue?: string;

  /** Only what this release, or a later one, has met first: 1.4.0. */
  @IsOptional()
  @Matches(/^\d{1,9}(\.\d{1,9}){0,2}$/, { message: 'newSince must be a release such as 1.4.0' })
  newSince?: string;
}

export class ErrorDecisionDto {
  @IsOptional()
  @IsString()
  @Length(1, 500)
  @Matches(wellFormed, wellFormedSays)
  reason?: string;
}

export class ErrorGroupDecisionDto {
  @ApiProperty({ format: 'date-time' })
  at!: string;
  by!: string;
  @ApiProperty({ type: String, nullable: true })
  reason!: string | null;
}

export class ErrorGroupLinksDto {
  deadLetters!: string;
  sample!: string;
  resolve!: string;
  ignore!: string;
}

/** What jobs have died of, as far as it is the same. */
export class ErrorGroupDto {
  fingerprint!: string;
  /** `resolved` opens again at the next death; `ignored` is counted and not told of. */
  @ApiProperty({ enum: [...errorGroupStatuses] })
  status!: ErrorGroupStatus;
  /** Deaths so far. */
  count!: number;
  queues!: string[];
  types!: string[];
  errorName!: string;
  /** That of the newest death. */
  errorMessage!: string;
  @ApiProperty({ format: 'date-time' })
  firstSeenAt!: string;
  @ApiProperty({ format: 'date-time' })
  lastSeenAt!: string;
  @ApiProperty({ type: String, nullable: true })
  firstVersion!: string | null;
  @ApiProperty({ type: String, nullable: true })
  lastVersion!: string | null;
  /** Whether it has come back after it was resolved. */
  regression!: boolean;
  @ApiProperty({ type: ErrorGroupDecisionDto, nullable: true })
  decision!: ErrorGroupDecisionDto | null;
  links!: ErrorGroupLinksDto;
}

export class ErrorGroupListDto {
  @ApiProperty({ type: [ErrorGroupDto] })
  items!: ErrorGroupDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
