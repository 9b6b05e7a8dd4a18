import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { bookingKinds, type BookingKind } from '../../workloads/agents/agents.tables';
import { IsAfter, IsMoment } from './moment.decorators';

export class CreateBookingDto {
  @ApiProperty({ enum: [...bookingKinds] })
  @IsIn(bookingKinds)
  kind!: BookingKind;

  @ApiProperty({ format: 'date-time' })
  @IsMoment()
  startsAt!: string;

  /** The aircraft is free again from this moment on. */
  @ApiProperty({ format: 'date-time' })
  @IsAfter('startsAt')
  @IsMoment()
  endsAt!: string;

  /** Whose it is: the id of a request, a work order. */
  @ApiPropertyOptional({ maxLength: 200 })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: 'reference must be text without control characters' })
  reference?: string;
}

export class BookingDto {
  id!: string;
  aircraftId!: string;
  @ApiProperty({ enum: [...bookingKinds] })
  kind!: BookingKind;
  @ApiProperty({ format: 'date-time' })
  startsAt!: string;
  @ApiProperty({ format: 'date-time' })
  endsAt!: string;
  reference!: string;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
}

export class BookingListDto {
  items!: BookingDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
