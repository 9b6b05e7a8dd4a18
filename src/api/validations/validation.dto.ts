import { ApiProperty } from '@nestjs/swagger';
import type { ValidationStage, ValidationStatus } from '../../workloads/validation/validation.tables';

const statuses: ValidationStatus[] = ['queued', 'processing', 'completed', 'failed', 'cancelled'];
const stages: ValidationStage[] = ['parse', 'store', 'rules', 'results'];

export class ValidationLinksDto {
  self!: string;
  errors!: string;
  report!: string;
  logs!: string;
  events!: string;
}

export class AcceptedValidationDto {
  @ApiProperty({ format: 'uuid' })
  validationId!: string;
  @ApiProperty({ enum: statuses })
  status!: ValidationStatus;
  jobId!: string;
  links!: ValidationLinksDto;
}

export class ValidationRowsDto {
  read!: number;
  valid!: number;
  invalid!: number;
}

export class ValidationSummaryDto {
  /** All findings, also those beyond the number that is stored row by row. */
  findings!: number;
  errors!: number;
  warnings!: number;
  infos!: number;
  /** How many can be read one by one. */
  stored!: number;
}

export class ValidationDto {
  @ApiProperty({ format: 'uuid' })
  validationId!: string;
  fileName!: string;
  fileBytes!: number;
  @ApiProperty({ enum: statuses })
  status!: ValidationStatus;
  /** 0 to 100: to 50 the file is read, to 75 its rows are stored, to 90 rules run, to 100 results are stored. */
  progress!: number;
  @ApiProperty({ enum: stages, nullable: true })
  stage!: ValidationStage | null;
  /** `valid` and `invalid` stay 0 until the run is completed. */
  rows!: ValidationRowsDto;
  /** Findings so far. */
  findings!: number;
  @ApiProperty({ type: String, nullable: true })
  errorMessage!: string | null;
  @ApiProperty({ type: String, nullable: true })
  jobId!: string | null;
  /** How often the job has begun. */
  attempt!: number;
  @ApiProperty({ type: String, nullable: true })
  ruleSet!: string | null;
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  previousValidationId!: string | null;
  /** Milliseconds to the end, as far as the pace so far tells. */
  @ApiProperty({ type: Number, nullable: true })
  etaMs!: number | null;
  @ApiProperty({ type: Number, nullable: true })
  rowsPerSecond!: number | null;
  @ApiProperty({ type: ValidationSummaryDto, nullable: true })
  summary!: ValidationSummaryDto | null;
  /** Separator, encoding and line end as they were found. */
  @ApiProperty({ type: Object, nullable: true })
  dialect!: object | null;
  @ApiProperty({ type: [String], nullable: true })
  columns!: string[] | null;
  @ApiProperty({ type: Number, nullable: true })
  reportBytes!: number | null;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  startedAt!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finishedAt!: string | null;
  links!: ValidationLinksDto;
}

export class ValidationListDto {
  items!: ValidationDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class FindingDto {
  /** 1 is the first row after the header, 0 the header or the file itself. */
  row!: number;
  /** The line of the file on which the row begins; the header's is 1. */
  @ApiProperty({ type: Number, nullable: true })
  line!: number | null;
  @ApiProperty({ type: String, nullable: true })
  column!: string | null;
  rule!: string;
  @ApiProperty({ enum: ['info', 'warning', 'error'] })
  severity!: string;
  message!: string;
  /** `•••` for a private column. */
  @ApiProperty({ type: String, nullable: true })
  value!: string | null;
}

export class FindingListDto {
  items!: FindingDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class FindingCountDto {
  rule!: string;
  @ApiProperty({ type: String, nullable: true })
  column!: string | null;
  @ApiProperty({ enum: ['info', 'warning', 'error'] })
  severity!: string;
  count!: number;
}

export class FindingCountListDto {
  /** The most frequent first; exact, whatever the number of findings that is stored. */
  items!: FindingCountDto[];
  /** Findings that match the filter. */
  total!: number;
}

export class ValidationLogDto {
  id!: number;
  @ApiProperty({ format: 'date-time' })
  timestamp!: string;
  source!: string;
  level!: string;
  message!: string;
}

export class ValidationLogListDto {
  items!: ValidationLogDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
