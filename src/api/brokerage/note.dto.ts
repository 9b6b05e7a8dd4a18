import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Matches, Max, Min, ValidateIf } from 'class-validator';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { IsPrintableText } from './connection.dto';

const MAX_BODY_CHARACTERS = 20_000;
const MAX_QUESTION_CHARACTERS = 1_000;
const MAX_FOUND = 50;

// PostgreSQL has no text with a NUL in it, and half a character is none.
const storable = /^[^\0\p{Cs}]*$/u;

/** Unlike class-validator's own decorator this does not let null through. */
const Given = () => ValidateIf((_object, value) => value !== undefined);

const IsStorableText = (most: number) =>
  applyDecorators(
    IsString(),
    Length(1, most),
    Matches(storable, { message: '$property must be whole characters without NUL' }),
  );

export class CreateNoteDto {
  /** Whose note it is, as the application calls its users. */
  @IsPrintableText(255)
  userId!: string;

  @IsPrintableText(200)
  title!: string;

  @IsStorableText(MAX_BODY_CHARACTERS)
  body!: string;
}

export class ChangeNoteDto {
  @Given()
  @IsPrintableText(200)
  title?: string;

  @Given()
  @IsStorableText(MAX_BODY_CHARACTERS)
  body?: string;
}

export class NoteListQueryDto extends PageQueryDto {
  @IsPrintableText(255)
  userId!: string;
}

export class NoteSearchQueryDto {
  @IsPrintableText(255)
  userId!: string;

  /** What the notes are to be about, in any words. */
  @IsStorableText(MAX_QUESTION_CHARACTERS)
  q!: string;

  @IsOptional()
  @Transform(({ value }) =>
    typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : (value as unknown),
  )
  @IsInt()
  @Min(1)
  @Max(MAX_FOUND)
  limit: number = 10;
}

export class NoteDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  userId!: string;

  /** `•••` without `payloads:read`, as the body is. */
  title!: string;
  body!: string;

  /** Whether it can be found by its newest text. */
  embedded!: boolean;

  /** `embedded`, or the model that made the vector; null before the first. */
  @ApiProperty({ type: String, nullable: true })
  provider!: string | null;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: Record<string, string>;
}

export class NoteListDto {
  items!: NoteDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class FoundNoteDto extends NoteDto {
  /** From 0 to 1. */
  similarity!: number;
}

export class FoundNoteListDto {
  items!: FoundNoteDto[];
}
