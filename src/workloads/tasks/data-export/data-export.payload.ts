import { ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Length,
} from 'class-validator';

/** Document 004 gives this name. */
export const DATA_EXPORT = 'DATA_EXPORT';

export const exportFileTypes = ['csv', 'json', 'xlsx'] as const;
export type ExportFileType = (typeof exportFileTypes)[number];

export const DEFAULT_EXPORT_SOURCE = 'jobs';

/** Payload of `DATA_EXPORT`, with the fields of document 004 and some of ours. */
export class DataExportPayload {
  @IsIn(exportFileTypes)
  exportType!: ExportFileType;

  /** Where the rows come from: `jobs` (the history), `dead-letters`, `validation-findings`, `notifications`, and what the application adds. */
  @IsOptional()
  @IsString()
  @Length(1, 100)
  source?: string;

  /** Which rows: by the name of a filter of the source one value, or a list of values of which any will do. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject()
  filters?: Record<string, unknown>;

  /** Which columns, in this order; all of the source's where they are left out. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @IsString({ each: true })
  @Length(1, 100, { each: true })
  columns?: string[];

  /** How a JSON file is made: one array, or one object per line. */
  @IsOptional()
  @IsIn(['array', 'ndjson'])
  format?: 'array' | 'ndjson';

  /** Whether a CSV file begins with the mark by which Excel knows UTF-8. */
  @IsOptional()
  @IsBoolean()
  bom?: boolean;
}
