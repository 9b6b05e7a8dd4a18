import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsEmail,
  IsIn,
  IsOptional,
  IsString,
  IsTimeZone,
  Length,
  Matches,
  ValidateNested,
} from 'class-validator';
import { anyJson } from '../../platform/http/any-json';
import { wellFormed, wellFormedSays } from '../../platform/http/field-patterns';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { priorities, type Priority } from '../../platform/queue/priority';
import { charterStatuses, type CharterStatus } from '../../workloads/agents/charter.tables';

const MAX_ANSWERS = 20;

export class NewCharterRequestDto {
  /** What is wanted, in plain words: "6 people from Teterboro to Van Nuys next Friday morning, back on Sunday". */
  @IsString()
  @Length(1, 10_000)
  @Matches(wellFormed, wellFormedSays)
  message!: string;

  /** Where the proposal goes; asked for where neither this nor the message says it. */
  @IsOptional()
  @IsEmail({ require_tld: false, allow_ip_domain: true })
  @Length(3, 254)
  clientEmail?: string;

  @IsOptional()
  @IsString()
  @Length(1, 200)
  @Matches(wellFormed, wellFormedSays)
  clientName?: string;

  /** Who asks, by the name that the application gives its users; the caller's key unless said. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @Matches(wellFormed, wellFormedSays)
  userId?: string;

  @IsOptional()
  @IsIn([...priorities])
  @ApiPropertyOptional({ enum: [...priorities], default: 'normal' })
  priority?: Priority;

  /** Where "tomorrow" begins for who has written, as an IANA name; UTC unless said. */
  @IsOptional()
  @IsTimeZone()
  @Length(1, 100)
  timeZone?: string;
}

export class CharterAnswerDto {
  /** As the question names it: `passengers`, `legs[0].date`. */
  @IsString()
  @Length(1, 50)
  @Matches(wellFormed, wellFormedSays)
  field!: string;

  /** In plain words. */
  @IsString()
  @Length(1, 500)
  @Matches(wellFormed, wellFormedSays)
  answer!: string;
}

export class CharterAnswersDto {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ANSWERS)
  @ArrayUnique(({ field }: CharterAnswerDto) => field, { message: 'answers must answer each field once' })
  @ValidateNested({ each: true })
  @Type(() => CharterAnswerDto)
  answers!: CharterAnswerDto[];
}

export class CancelCharterRequestDto {
  @IsOptional()
  @IsString()
  @Length(1, 500)
  @Matches(wellFormed, wellFormedSays)
  reason?: string;
}

export class CharterRequestListQueryDto extends PageQueryDto {
  @IsOptional()
  @IsIn([...charterStatuses])
  @ApiPropertyOptional({ enum: [...charterStatuses] })
  status?: CharterStatus;
}

export class CharterFiguresQueryDto {
  /** Requests of the last so many hours; 24 unless said. */
  @IsOptional()
  @Matches(/^([1-9]|[1-9]\d{1,2}|[1-7]\d{3}|8[0-6]\d{2}|87[0-5]\d|8760)$/, {
    message: 'hours must be a whole number from 1 to 8760',
  })
  hours?: string;
}

export class CharterQuestionDto {
  field!: string;
  question!: string;
}

export class GivenAnswerDto {
  field!: string;
  answer!: string;
  /** The reading of the request that it was given after, from 1. */
  round!: number;
}

export class CharterLinksDto {
  self!: string;
  answers!: string;
  cancel!: string;
  /** The job that reads the request. */
  job!: string;
  @ApiProperty({ type: String, nullable: true })
  flow!: string | null;
  @ApiProperty({ type: String, nullable: true })
  events!: string | null;
}

/** A request, without what was offered. */
export class CharterRequestEntryDto {
  requestId!: string;
  @ApiProperty({ enum: [...charterStatuses] })
  status!: CharterStatus;
  userId!: string;
  @ApiProperty({ enum: [...priorities] })
  priority!: Priority;
  message!: string;
  @ApiProperty({ type: String, nullable: true })
  clientEmail!: string | null;
  @ApiProperty({ type: String, nullable: true })
  clientName!: string | null;
  timeZone!: string;
  /** What has to be answered before the search can begin. */
  @ApiProperty({ type: [CharterQuestionDto] })
  questions!: CharterQuestionDto[];
  /** What a job of it has died of. */
  @ApiProperty({ type: String, nullable: true })
  error!: string | null;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
  /** From everything known to the mail with the proposal, in milliseconds; null before. */
  @ApiProperty({ type: Number, nullable: true })
  tookMs!: number | null;
  links!: CharterLinksDto;
}

export class CharterRequestListDto {
  @ApiProperty({ type: [CharterRequestEntryDto] })
  items!: CharterRequestEntryDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class CharterRequestDto extends CharterRequestEntryDto {
  /** Who has read the message: `embedded`, or the name of a model. */
  @ApiProperty({ type: String, nullable: true })
  provider!: string | null;
  /** What the readings took of a model, in all; null where none was asked. */
  @ApiProperty({ ...anyJson, nullable: true })
  usage!: unknown;
  /** What was understood. */
  @ApiProperty({ ...anyJson, nullable: true })
  request!: unknown;
  @ApiProperty({ type: [GivenAnswerDto] })
  answers!: GivenAnswerDto[];
  /** What was offered, the best first, and where its mail is. */
  @ApiProperty({ ...anyJson, nullable: true })
  proposal!: unknown;
}

export class CharterCountsDto {
  received!: number;
  needs_information!: number;
  searching!: number;
  proposed!: number;
  no_offer!: number;
  failed!: number;
  cancelled!: number;
}

/** How requests went; times in milliseconds, from everything known to the mail with the proposal. */
export class CharterFiguresDto {
  hours!: number;
  counts!: CharterCountsDto;
  proposals!: number;
  @ApiProperty({ type: Number, nullable: true })
  averageMs!: number | null;
  @ApiProperty({ type: Number, nullable: true })
  p95Ms!: number | null;
  @ApiProperty({ type: Number, nullable: true })
  longestMs!: number | null;
  /** What document 001 promises on average. */
  targetMs!: number;
  /** Proposals that took no longer. */
  withinTarget!: number;
}
