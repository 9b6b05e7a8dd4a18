import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  Length,
  Matches,
  ValidateIf,
} from 'class-validator';
import { storable, storableSays } from '../../platform/http/field-patterns';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { FeedShapeDto } from '../../workloads/feeds/feed-shape.dto';
import { IsSourceName } from '../../workloads/feeds/source-name';
import type { ImportStatus, ImportTrigger, ItemOutcome } from '../../workloads/feeds/feeds.tables';

const statuses: ImportStatus[] = ['queued', 'fetching', 'importing', 'completed', 'failed', 'cancelled'];
const outcomes: ItemOutcome[] = ['queued', 'created', 'updated', 'unchanged', 'failed', 'cancelled'];
const Given = () => ValidateIf((_object, value) => value !== undefined);

/**
 * Stored sources, or an address, or items; nothing at all is every source that is enabled and not running. `mapping` goes
 * with an address or items, `paging` with an address.
 */
export class StartImportDto extends FeedShapeDto {
  /** Names of stored sources. */
  @ApiPropertyOptional({ type: [String] })
  @Given()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @IsSourceName({ each: true })
  @Length(1, 2_048, { each: true })
  sources?: string[];

  /** The name of one stored source, or what items of `url` or `items` are found under. */
  @ApiPropertyOptional()
  @Given()
  @IsSourceName()
  @Length(1, 2_048)
  source?: string;

  /** An address to fetch, once. */
  @ApiPropertyOptional()
  @Given()
  @IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false, disallow_auth: true })
  @IsSourceName()
  @Length(1, 2_048)
  url?: string;

  /** Items that are here already; each with a `guid`, a `link`, or content. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object', additionalProperties: true } })
  @Given()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @IsObject({ each: true })
  items?: object[];
}

export class ImportItemsQueryDto extends PageQueryDto {
  @IsOptional()
  @Matches(storable, storableSays)
  @IsString()
  @Length(1, 2_048)
  source?: string;

  @IsOptional()
  @IsIn([...outcomes, 'rejected'])
  outcome?: ItemOutcome | 'rejected';
}

export class ImportSourcesQueryDto extends PageQueryDto {
  @IsOptional()
  @IsIn(statuses)
  status?: ImportStatus;
}

export class ImportEventsQueryDto {
  /** As the header Last-Event-ID, for those who cannot send it. */
  @IsOptional()
  @IsString()
  lastEventId?: string;
}

export class ImportCountsDto {
  /** Items that were read: rejected, skipped, duplicates and enqueued together. */
  offered!: number;
  /** Could not be taken. */
  rejected!: number;
  /** Stored already, word for word. */
  skipped!: number;
  /** In the feed twice, or in the hands of another job. */
  duplicates!: number;
  enqueued!: number;
  created!: number;
  updated!: number;
  /** Found stored already by their job. */
  unchanged!: number;
  failed!: number;
}

export class ImportSourceDto extends ImportCountsDto {
  source!: string;
  @ApiProperty({ enum: statuses })
  status!: ImportStatus;
  jobId!: string;
  @ApiProperty({ type: String, nullable: true })
  format!: string | null;
  @ApiProperty({ type: String, nullable: true })
  title!: string | null;
  /** The source has nothing new since the last import. */
  notModified!: boolean;
  /** Of the document, decompressed. */
  bytes!: number;
  /** Where the document breaks; the items before that were taken. */
  @ApiProperty({ type: String, nullable: true })
  broken!: string | null;
  @ApiProperty({ type: String, nullable: true })
  error!: string | null;
  /** How often the source asked to come back later. */
  postponed!: number;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  startedAt!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finishedAt!: string | null;
}

export class ImportLinksDto {
  self!: string;
  sources!: string;
  items!: string;
  events!: string;
  cancel!: string;
}

export class ImportDto {
  @ApiProperty({ format: 'uuid' })
  importId!: string;
  @ApiProperty({ enum: statuses })
  status!: ImportStatus;
  @ApiProperty({ enum: ['request', 'schedule'] })
  trigger!: ImportTrigger;
  /** Of all sources together. */
  totals!: ImportCountsDto;
  sourceCount!: number;
  /** The first hundred by name, in a list of imports ten; `links.sources` has all of them. */
  sources!: ImportSourceDto[];
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  links!: ImportLinksDto;
}

export class StartedSourceDto {
  source!: string;
  @ApiProperty({ enum: statuses })
  status!: ImportStatus;
  jobId!: string;
  /** 0 while the source has still to be fetched. */
  enqueued!: number;
  duplicates!: number;
  skipped!: number;
  rejected!: number;
}

export class StartedImportDto {
  @ApiProperty({ format: 'uuid' })
  importId!: string;
  @ApiProperty({ enum: statuses })
  status!: ImportStatus;
  /** When there is one only. */
  @ApiPropertyOptional()
  source?: string;
  enqueued!: number;
  duplicates!: number;
  sourceCount!: number;
  /** The first hundred by name; `links.sources` has all of them. */
  sources!: StartedSourceDto[];
  links!: ImportLinksDto;
}

export class ImportListDto {
  items!: ImportDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class ImportSourceListDto {
  items!: ImportSourceDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class ImportItemDto {
  source!: string;
  /** None for one that was rejected. */
  @ApiProperty({ type: String, nullable: true })
  guid!: string | null;
  /** Where `GET /api/items/:key` finds it once it is stored. */
  @ApiProperty({ type: String, nullable: true })
  key!: string | null;
  @ApiProperty({ enum: [...outcomes, 'rejected'] })
  outcome!: ItemOutcome | 'rejected';
  @ApiProperty({ type: String, nullable: true })
  jobId!: string | null;
  /** Why it failed or was rejected. */
  @ApiProperty({ type: String, nullable: true })
  error!: string | null;
  /** Of a rejected item in its feed; 1 is the first. */
  @ApiProperty({ type: Number, nullable: true })
  position!: number | null;
}

export class ImportItemListDto {
  items!: ImportItemDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
