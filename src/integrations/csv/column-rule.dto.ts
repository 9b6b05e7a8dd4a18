import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { IsNumberOrText, IsPrintable, MayBeLeftOut } from './rule-decorators';
import { columnTypes, severities, type ColumnType, type Severity } from './rule-words';

/** How much a broken rule of one kind weighs; a kind that is left out takes the column's `severity`. */
export class ColumnSeveritiesDto {
  /** For cells that are empty, or a whole column that is missing. */
  @MayBeLeftOut()
  @IsIn(severities)
  required?: Severity;

  /** For cells that are not of the column's type. */
  @MayBeLeftOut()
  @IsIn(severities)
  type?: Severity;

  /** For values below `min` or above `max`. */
  @MayBeLeftOut()
  @IsIn(severities)
  range?: Severity;

  /** For values shorter than `minLength` or longer than `maxLength`. */
  @MayBeLeftOut()
  @IsIn(severities)
  length?: Severity;

  /** For values that do not match `pattern`. */
  @MayBeLeftOut()
  @IsIn(severities)
  pattern?: Severity;

  /** For values that an earlier row has used already. */
  @MayBeLeftOut()
  @IsIn(severities)
  unique?: Severity;
}

/** What one column of a file must be. */
export class ColumnRuleDto {
  /** The column's name in the header line. */
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  @IsPrintable()
  name!: string;

  /** Other names under which the column may come. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(20)
  @ArrayUnique()
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  @MaxLength(200, { each: true })
  @IsPrintable({ each: true })
  aliases?: string[];

  /** Every row needs a value here, and so the column must be there; default false. */
  @MayBeLeftOut()
  @IsBoolean()
  required?: boolean;

  /** The header must have the column, even when its cells may be empty; default: the same as `required`. */
  @MayBeLeftOut()
  @IsBoolean()
  columnRequired?: boolean;

  /** What the values are; default `string`. */
  @MayBeLeftOut()
  @IsIn(columnTypes)
  type?: ColumnType;

  /** `decimal`: the most digits a value may have, before and after the separator together. */
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(1000)
  precision?: number;

  /** `decimal`: the most digits after the separator. */
  @MayBeLeftOut()
  @IsInt()
  @Min(0)
  @Max(1000)
  scale?: number;

  /** `decimal`: the sign before the fraction, `.` (default) or `,`. */
  @MayBeLeftOut()
  @IsIn(['.', ','])
  decimalSeparator?: '.' | ',';

  /** `boolean`: the spellings of yes, upper and lower case alike; default `true`, `yes`, `y`, `1`. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(20)
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  @MaxLength(50, { each: true })
  trueValues?: string[];

  /** `boolean`: the spellings of no, upper and lower case alike; default `false`, `no`, `n`, `0`. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(20)
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  @MaxLength(50, { each: true })
  falseValues?: string[];

  /** `date`: made of YYYY, MM, M, DD, D, HH, mm, ss, SSS, Z and the signs between them; default `YYYY-MM-DD`. */
  @MayBeLeftOut()
  @IsString()
  @IsNotEmpty()
  @MaxLength(40)
  @IsPrintable()
  format?: string;

  /** `enum`: the values that are allowed. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1000)
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  @MaxLength(200, { each: true })
  values?: string[];

  /** `enum` and `unique`: upper and lower case are the same; default false. */
  @MayBeLeftOut()
  @IsBoolean()
  ignoreCase?: boolean;

  /** Smallest number, or earliest date (in the column's format or as YYYY-MM-DD). */
  @MayBeLeftOut()
  @IsNumberOrText(40)
  min?: number | string;

  /** Largest number, or latest date (in the column's format or as YYYY-MM-DD). */
  @MayBeLeftOut()
  @IsNumberOrText(40)
  max?: number | string;

  /** Fewest characters. */
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  minLength?: number;

  /** Most characters. */
  @MayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  maxLength?: number;

  /** A regular expression in RE2 syntax that the whole value must match. */
  @MayBeLeftOut()
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  @IsPrintable()
  pattern?: string;

  /** What to tell people whose value does not match `pattern`, e.g. "M and six digits, such as M104233". */
  @MayBeLeftOut()
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  @IsPrintable()
  patternHint?: string;

  /** No two rows may have the same value here; empty cells do not count. */
  @MayBeLeftOut()
  @IsBoolean()
  unique?: boolean;

  /** The values are nobody's business: they appear as ••• in findings, in stored rows and in the report. */
  @MayBeLeftOut()
  @IsBoolean()
  private?: boolean;

  /** Spaces around a value are no part of it; default false. */
  @MayBeLeftOut()
  @IsBoolean()
  trim?: boolean;

  /** How much broken rules of this column weigh; default `error`. */
  @MayBeLeftOut()
  @IsIn(severities)
  severity?: Severity;

  /** Weights for single kinds of rules. */
  @MayBeLeftOut()
  @ValidateNested()
  @Type(() => ColumnSeveritiesDto)
  severities?: ColumnSeveritiesDto;
}
