import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import type { PositioningPolicy } from '../../workloads/agents/agents.tables';
import { aircraftCategories, type AircraftCategory } from '../../workloads/agents/quote';
import { IsAfter, IsMoment } from './moment.decorators';

const MAX_WINDOWS = 100;
const positioningPolicies = ['return', 'one-way'] as const;

// PostgreSQL has no text with a NUL in it, and these texts stand in proposals.
const printable = /^[^\p{Cc}\p{Cs}]+$/u;

const Given = () => ValidateIf((_object, value) => value !== undefined);

const Words = (maxLength: number) =>
  applyDecorators(
    IsString(),
    Length(1, maxLength),
    Matches(printable, { message: '$property must be text without control characters' }),
  );

const Whole = (min: number, max: number) =>
  applyDecorators(ApiProperty({ type: 'integer', minimum: min, maximum: max }), IsInt(), Min(min), Max(max));

const Tenths = (min: number, max: number) =>
  applyDecorators(IsNumber({ maxDecimalPlaces: 1 }), Min(min), Max(max));

export class AvailabilityWindowDto {
  @ApiProperty({ format: 'date-time' })
  @IsMoment()
  from!: string;

  /** The aircraft has to be home, or wherever its trip ends, before this. */
  @ApiProperty({ format: 'date-time' })
  @IsAfter('from')
  @IsMoment()
  until!: string;
}

export class CreateAircraftDto {
  /** Its tail number, once per fleet; it cannot be changed. */
  @ApiProperty({ example: 'N123HF' })
  @Matches(/^[A-Z0-9-]{2,12}$/, { message: 'registration must be 2 to 12 capital letters, digits or dashes' })
  registration!: string;

  @ApiProperty({ example: 'Embraer Phenom 300E' })
  @Words(100)
  type!: string;

  @ApiProperty({ enum: [...aircraftCategories] })
  @IsIn(aircraftCategories)
  category!: AircraftCategory;

  @Words(200)
  operatorName!: string;

  /** 0 to 5, with one decimal. */
  @Tenths(0, 5)
  operatorRating!: number;

  /** The ICAO or IATA code of the airport it comes from; answers show the ICAO code. */
  @ApiProperty({ example: 'KTEB' })
  @Matches(/^[A-Za-z0-9]{3,4}$/, { message: 'homeBase must be an ICAO or IATA code such as KTEB' })
  homeBase!: string;

  /** For passengers. */
  @Whole(1, 100)
  seats!: number;

  /** In nautical miles, as its maker tells it, without reserve. */
  @Whole(100, 12_000)
  rangeNm!: number;

  /** In knots. */
  @Whole(80, 1_200)
  cruiseKt!: number;

  /** The runway that it needs at sea level, in feet. */
  @Whole(500, 20_000)
  runwayFt!: number;

  @Whole(1, 200_000)
  hourlyUsd!: number;

  /** Hotel and allowances of the crew, a night. */
  @Whole(0, 50_000)
  crewOvernightUsd!: number;

  /** Its landing, handling and parking fees, in percent of those that are usual for its category; 100 when left out. */
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: 1_000 })
  @Given()
  @IsInt()
  @Min(0)
  @Max(1_000)
  feePercent?: number;

  /** Hours that are paid for each day of a trip, with one decimal; 0 when left out. */
  @Given()
  @Tenths(0, 24)
  minimumHoursPerDay?: number;

  /** Whether its flight home is paid for (`return`, the default), or it stays where a trip ends (`one-way`). */
  @ApiPropertyOptional({ enum: [...positioningPolicies] })
  @Given()
  @IsIn(positioningPolicies)
  positioning?: PositioningPolicy;

  /** When it can be had; always when there is none. */
  @ApiPropertyOptional({ type: [AvailabilityWindowDto], maxItems: MAX_WINDOWS })
  @Given()
  @IsArray()
  @ArrayMaxSize(MAX_WINDOWS)
  @ValidateNested({ each: true })
  @Type(() => AvailabilityWindowDto)
  availability?: AvailabilityWindowDto[];

  /** False takes it out of every search. */
  @Given()
  @IsBoolean()
  isActive?: boolean;
}

export class ChangeAircraftDto extends PartialType(OmitType(CreateAircraftDto, ['registration']), {
  skipNullProperties: false,
}) {}

export class FleetQueryDto extends PageQueryDto {
  @ApiPropertyOptional({ enum: [...aircraftCategories] })
  @IsOptional()
  @IsIn(aircraftCategories)
  category?: AircraftCategory;

  /** The whole name, in any case. */
  @IsOptional()
  @Words(200)
  operatorName?: string;

  /** An ICAO or IATA code. */
  @IsOptional()
  @Matches(/^[A-Za-z0-9]{3,4}$/, { message: 'homeBase must be an ICAO or IATA code such as KTEB' })
  homeBase?: string;

  /** Only aircraft with at least so many seats. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100 })
  @IsOptional()
  @Transform(({ value }) =>
    typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : (value as unknown),
  )
  @IsInt()
  @Min(1)
  @Max(100)
  minSeats?: number;

  /** Only those that are searched, or with `false` only those that are not. */
  @ApiPropertyOptional({ type: Boolean })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : (value as unknown)))
  @IsBoolean()
  isActive?: boolean;
}

export class AircraftLinksDto {
  self!: string;
  bookings!: string;
}

export class AircraftDto {
  id!: string;
  registration!: string;
  type!: string;
  @ApiProperty({ enum: [...aircraftCategories] })
  category!: AircraftCategory;
  operatorName!: string;
  operatorRating!: number;
  homeBase!: string;
  @ApiProperty({ type: 'integer' })
  seats!: number;
  @ApiProperty({ type: 'integer' })
  rangeNm!: number;
  @ApiProperty({ type: 'integer' })
  cruiseKt!: number;
  @ApiProperty({ type: 'integer' })
  runwayFt!: number;
  @ApiProperty({ type: 'integer' })
  hourlyUsd!: number;
  @ApiProperty({ type: 'integer' })
  crewOvernightUsd!: number;
  @ApiProperty({ type: 'integer' })
  feePercent!: number;
  minimumHoursPerDay!: number;
  @ApiProperty({ enum: [...positioningPolicies] })
  positioning!: PositioningPolicy;
  @ApiProperty({ type: [AvailabilityWindowDto] })
  availability!: AvailabilityWindowDto[];
  isActive!: boolean;
  /** Rises with every change. */
  @ApiProperty({ type: 'integer' })
  version!: number;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
  links!: AircraftLinksDto;
}

export class FleetDto {
  items!: AircraftDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
