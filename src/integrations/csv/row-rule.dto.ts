import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsNotEmpty,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { IsNumberOrText, IsPrintable, MayBeLeftOut } from './rule-decorators';
import {
  comparisonOperators,
  severities,
  testOperators,
  type ComparisonOperator,
  type Severity,
  type TestOperator,
} from './rule-words';

/** A short name for a rule over several columns; it becomes part of the rule's name in findings. */
abstract class NamedRuleDto {
  /** Letters, digits, `_` and `-`. */
  @MayBeLeftOut()
  @Matches(/^[A-Za-z0-9_-]{1,60}$/)
  name?: string;

  /** How much a broken rule weighs; default `error`. */
  @MayBeLeftOut()
  @IsIn(severities)
  severity?: Severity;

  /** What to tell people, instead of the sentence that is made from the rule. */
  @MayBeLeftOut()
  @IsString()
  @IsNotEmpty()
  @MaxLength(300)
  @IsPrintable()
  message?: string;
}

/** No two rows may agree in all of these columns. */
export class UniqueRuleDto extends NamedRuleDto {
  /** One to eight columns that form the key; rows in which all of them are empty do not count. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(8)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(200, { each: true })
  columns!: string[];

  /** Upper and lower case are the same; default false. */
  @MayBeLeftOut()
  @IsBoolean()
  ignoreCase?: boolean;
}

/** Two columns of the same row, compared as numbers, dates or texts; rows with an empty side pass. */
export class ComparisonRuleDto extends NamedRuleDto {
  /** The column on the left. */
  @IsString()
  @MaxLength(200)
  left!: string;

  /** How the two must stand to each other. */
  @IsIn(comparisonOperators)
  operator!: ComparisonOperator;

  /** The column on the right. */
  @IsString()
  @MaxLength(200)
  right!: string;
}

/** One question about one cell of a row. */
export class CellTestDto {
  /** The column that is asked. */
  @IsString()
  @MaxLength(200)
  column!: string;

  /** The question; `empty` and `notEmpty` need nothing else, `in` and `notIn` need `values`, the others `value`. */
  @IsIn(testOperators)
  operator!: TestOperator;

  /** What the cell is compared with; for `matches` a regular expression in RE2 syntax for the whole value. */
  @MayBeLeftOut()
  @IsNumberOrText(500)
  value?: number | string;

  /** What the cell is looked up in. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(200)
  @IsString({ each: true })
  @MaxLength(200, { each: true })
  values?: string[];
}

/** Where every test of `when` holds, every test of `then` must hold too. */
export class ConditionRuleDto extends NamedRuleDto {
  /** Which rows are meant: those for which all of these hold. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(10)
  @ValidateNested({ each: true })
  @Type(() => CellTestDto)
  when!: CellTestDto[];

  /** What those rows must fulfil. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(10)
  @ValidateNested({ each: true })
  @Type(() => CellTestDto)
  then!: CellTestDto[];
}
