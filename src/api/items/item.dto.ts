import { ApiProperty } from '@nestjs/swagger';
import { IsISO8601, IsOptional, IsString, Length, Matches } from 'class-validator';
import { storable, storableSays, zoned, zonedSays } from '../../platform/http/field-patterns';
import { PageQueryDto } from '../../platform/http/page-query.dto';

export class ItemSearchQueryDto extends PageQueryDto {
  /** Words, as people type them: `"a phrase"`, `this or that`, `-not this`. */
  @IsOptional()
  @Matches(storable, storableSays)
  @IsString()
  @Length(1, 500)
  q?: string;

  @IsOptional()
  @Matches(storable, storableSays)
  @IsString()
  @Length(1, 2_048)
  source?: string;

  /** Published at that moment or later. */
  @IsOptional()
  @Matches(zoned, zonedSays)
  @IsISO8601({ strict: true })
  from?: string;

  /** Published before that moment. */
  @IsOptional()
  @Matches(zoned, zonedSays)
  @IsISO8601({ strict: true })
  to?: string;
}

export class ItemDto {
  key!: string;
  source!: string;
  guid!: string;
  @ApiProperty({ type: String, nullable: true })
  title!: string | null;
  @ApiProperty({ type: String, nullable: true })
  link!: string | null;
  /** When it was published, or first seen where its feed does not say. */
  @ApiProperty({ format: 'date-time' })
  datedAt!: string;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
  /** The import that stored this version. */
  @ApiProperty({ format: 'uuid' })
  importId!: string;
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: { self: string; import: string };
}

export class WholeItemDto extends ItemDto {
  /** All that the feed says of it. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  document!: object;
}

export class ItemListDto {
  items!: ItemDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
