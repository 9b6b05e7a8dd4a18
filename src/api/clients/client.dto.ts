import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsEmail,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { wellFormed, wellFormedSays } from '../../platform/http/field-patterns';
import { PageQueryDto } from '../../platform/http/page-query.dto';

const MAX_WEIGHT = 1_000;

/** What counts how much when quotes are ranked; only the proportions count. */
export class RankingWeightsDto {
  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(MAX_WEIGHT)
  price?: number;

  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(MAX_WEIGHT)
  time?: number;

  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(MAX_WEIGHT)
  comfort?: number;

  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(MAX_WEIGHT)
  operator?: number;

  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(MAX_WEIGHT)
  budget?: number;

  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(MAX_WEIGHT)
  stops?: number;
}

export class ClientPreferencesDto {
  /** Such as `midsize`. */
  @IsOptional()
  @IsString()
  @Length(1, 50)
  @Matches(wellFormed, wellFormedSays)
  aircraftClass?: string;

  /** Whole US dollars for a trip, where the request names none. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100_000_000)
  budget?: number;

  @IsOptional()
  @ValidateNested()
  @Type(() => RankingWeightsDto)
  weights?: RankingWeightsDto;

  @IsOptional()
  @IsString()
  @Length(1, 2_000)
  @Matches(wellFormed, wellFormedSays)
  notes?: string;
}

export class ChangeClientDto {
  @IsOptional()
  @IsString()
  @Length(1, 200)
  @Matches(wellFormed, wellFormedSays)
  @ApiPropertyOptional({ type: String, nullable: true })
  name?: string | null;

  @IsOptional()
  @IsString()
  @Length(1, 50)
  @Matches(wellFormed, wellFormedSays)
  @ApiPropertyOptional({ type: String, nullable: true })
  phone?: string | null;

  @IsOptional()
  @IsString()
  @Length(1, 200)
  @Matches(wellFormed, wellFormedSays)
  @ApiPropertyOptional({ type: String, nullable: true })
  company?: string | null;

  @IsOptional()
  @ValidateNested()
  @Type(() => ClientPreferencesDto)
  preferences?: ClientPreferencesDto;
}

export class NewClientDto extends ChangeClientDto {
  /** Whoever has it is one client, whatever its case. */
  @IsEmail({ require_tld: false, allow_ip_domain: true })
  @Length(3, 254)
  email!: string;
}

export class ClientListQueryDto extends PageQueryDto {
  /** Only the client of this address. */
  @IsOptional()
  @IsString()
  @Length(1, 254)
  @Matches(wellFormed, wellFormedSays)
  email?: string;
}

export class ClientLinksDto {
  self!: string;
}

export class ClientDto {
  id!: string;
  email!: string;
  @ApiProperty({ type: String, nullable: true })
  name!: string | null;
  @ApiProperty({ type: String, nullable: true })
  phone!: string | null;
  @ApiProperty({ type: String, nullable: true })
  company!: string | null;
  preferences!: ClientPreferencesDto;
  /** Requests that were searched for this client. */
  requestCount!: number;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  lastRequestAt!: string | null;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
  links!: ClientLinksDto;
}

export class ClientListDto {
  @ApiProperty({ type: [ClientDto] })
  items!: ClientDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
