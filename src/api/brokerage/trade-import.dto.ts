import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { ProcessCsvPayload } from '../../workloads/brokerage/import/import.payload';
import { IsPrintableText } from './connection.dto';

/** A file of /api/files, whose trades they are, and how it is to be read. */
export class CreateImportDto extends ProcessCsvPayload {}

export class ImportListQueryDto extends PageQueryDto {
  /** Only those of one user. */
  @IsOptional()
  @IsPrintableText(255)
  @ApiPropertyOptional({ type: String })
  userId?: string;
}

export class ImportFindingCountDto {
  rule!: string;
  @ApiProperty({ type: String, nullable: true })
  column!: string | null;
  severity!: string;
  count!: number;
}

export class ImportRowsDto {
  read!: number;
  inserted!: number;
  /** They were there already. */
  duplicates!: number;
  refused!: number;
}

export class TradeImportDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  userId!: string;
  fileId!: string;
  @ApiProperty({ enum: ['queued', 'processing', 'completed', 'failed'] })
  status!: string;
  jobId!: string;
  rows!: ImportRowsDto;

  /** The column of the file that each field of a trade was read from; null until it is completed. */
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' }, nullable: true })
  columns!: Record<string, string> | null;

  /** How the file is written; null until it is completed. */
  @ApiProperty({ type: Object, additionalProperties: true, nullable: true })
  dialect!: object | null;

  /** How often each rule was broken in each column. */
  findings!: ImportFindingCountDto[];

  /** The first of them, which `links.findings` lists. */
  findingsStored!: number;

  @ApiProperty({ type: String, nullable: true })
  errorMessage!: string | null;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finishedAt!: string | null;
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: Record<string, string>;
}

export class TradeImportListDto {
  items!: TradeImportDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class ImportFindingDto {
  /** 1 is the first row after the header line, 0 the file itself. */
  row!: number;
  @ApiProperty({ type: Number, nullable: true })
  line!: number | null;
  @ApiProperty({ type: String, nullable: true })
  column!: string | null;
  rule!: string;
  @ApiProperty({ enum: ['error', 'warning', 'info'] })
  severity!: string;
  message!: string;

  /** What stands in the cell; `•••` without `payloads:read`. */
  @ApiProperty({ type: String, nullable: true })
  value!: string | null;
}

export class ImportFindingListDto {
  items!: ImportFindingDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
