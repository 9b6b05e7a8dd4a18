import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsNotEmpty,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { ColumnRuleDto } from './column-rule.dto';
import { ComparisonRuleDto, ConditionRuleDto, UniqueRuleDto } from './row-rule.dto';
import { IsPrintable, MayBeLeftOut } from './rule-decorators';
import {
  delimiters,
  severities,
  textEncodings,
  type Delimiter,
  type Severity,
  type TextEncoding,
} from './rule-words';

/** Everything that is asked of one kind of file. */
export class RuleSetDto {
  /** Under which the rule set is known: letters, digits, `.`, `_` and `-`. */
  @Matches(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/)
  name!: string;

  /** For people. */
  @MayBeLeftOut()
  @IsString()
  @MaxLength(1000)
  description?: string;

  /** The sign between two cells; found out from the file when it is left out. */
  @MayBeLeftOut()
  @IsIn(delimiters)
  delimiter?: Delimiter;

  /** How the file's letters are written; found out from the file when it is left out. */
  @MayBeLeftOut()
  @IsIn(textEncodings)
  encoding?: TextEncoding;

  /** `loose` (default): case, spaces, `_` and `-` make no difference between column names; `exact`: they do. */
  @MayBeLeftOut()
  @IsIn(['loose', 'exact'])
  headerMatch?: 'loose' | 'exact';

  /** What a column without a rule means: nothing (`allow`, the default), or a finding of this severity. */
  @MayBeLeftOut()
  @IsIn(['allow', ...severities])
  unknownColumns?: 'allow' | Severity;

  /** Spellings that mean an empty cell, such as `NULL` or `n/a`. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(20)
  @ArrayUnique()
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  @MaxLength(50, { each: true })
  @IsPrintable({ each: true })
  emptyValues?: string[];

  /** The columns that have rules, in any order. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(500)
  @ValidateNested({ each: true })
  @Type(() => ColumnRuleDto)
  columns!: ColumnRuleDto[];

  /** Keys that no two rows may share. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(20)
  @ValidateNested({ each: true })
  @Type(() => UniqueRuleDto)
  unique?: UniqueRuleDto[];

  /** Columns compared with each other. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => ComparisonRuleDto)
  comparisons?: ComparisonRuleDto[];

  /** Rules that hold only for some rows. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => ConditionRuleDto)
  conditions?: ConditionRuleDto[];
}
