import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, ValidateIf, ValidateNested } from 'class-validator';
import { FeedPagingDto } from '../../integrations/feeds/feed-paging.dto';
import { JsonMappingDto } from '../../integrations/feeds/json-mapping.dto';

const Given = () => ValidateIf((_object, value) => value !== undefined && value !== null);

/** How the document of a source is to be read where it does not say so itself. */
export class FeedShapeDto {
  /** Where a JSON document that is no JSON Feed keeps its items. */
  @ApiPropertyOptional({ type: () => JsonMappingDto, nullable: true })
  @Given()
  @IsObject()
  @ValidateNested()
  @Type(() => JsonMappingDto)
  mapping?: JsonMappingDto | null;

  /** How it goes on after its first page. */
  @ApiPropertyOptional({ type: () => FeedPagingDto, nullable: true })
  @Given()
  @IsObject()
  @ValidateNested()
  @Type(() => FeedPagingDto)
  paging?: FeedPagingDto | null;
}
