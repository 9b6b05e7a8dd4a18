import { PatternChecks } from './cell-pattern';
import type { ColumnRuleDto } from './column-rule.dto';
import type { ColumnType } from './rule-words';
import { dateLimit, DateReader } from './date-format';
import { compareDecimalTexts, isDecimalText } from './decimal-text';
import { columnKey } from './header';
import { checkRowRules } from './row-rule-checks';
import { refusal, type RuleProblem } from './rule-problem';
import type { RuleSetDto } from './rule-set.dto';

const onlyFor: Partial<Record<keyof ColumnRuleDto, ColumnType[]>> = {
  precision: ['decimal'],
  scale: ['decimal'],
  decimalSeparator: ['decimal'],
  trueValues: ['boolean'],
  falseValues: ['boolean'],
  format: ['date'],
  values: ['enum'],
  min: ['integer', 'decimal', 'date'],
  max: ['integer', 'decimal', 'date'],
};

/** Finds what class-validator cannot see: names used twice or missing, limits that cross, patterns and formats. */
export function checkReferences(ruleSet: RuleSetDto): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const names = new Map<string, string>();
  const patterns = new PatternChecks();
  ruleSet.columns.forEach((column, index) => {
    const pointer = `/columns/${index}`;
    checkNames(column, pointer, ruleSet.headerMatch ?? 'loose', names, problems);
    checkType(column, pointer, problems);
    checkOwnPattern(column, pointer, patterns, problems);
    checkRange(column, pointer, problems);
  });
  checkRowRules(ruleSet, patterns, problems);
  return problems;
}

function checkNames(
  column: ColumnRuleDto,
  pointer: string,
  match: 'loose' | 'exact',
  names: Map<string, string>,
  problems: RuleProblem[],
): void {
  const own = [column.name, ...(column.aliases ?? [])];
  own.forEach((name, index) => {
    const at = index === 0 ? `${pointer}/name` : `${pointer}/aliases/${index - 1}`;
    const key = columnKey(name, match);
    const earlier = names.get(key);
    // An alias that only repeats the column's own name in other letters is harmless.
    if (earlier === undefined) names.set(key, pointer);
    else if (earlier !== pointer) {
      problems.push({
        pointer: at,
        detail: `"${name}" means the same column as one under ${earlier}; use each name once`,
        code: 'duplicate_column',
      });
    }
  });
}

function checkType(column: ColumnRuleDto, pointer: string, problems: RuleProblem[]): void {
  const type = column.type ?? 'string';
  for (const [option, types] of Object.entries(onlyFor)) {
    if (column[option as keyof ColumnRuleDto] === undefined || types.includes(type)) continue;
    problems.push({
      pointer: `${pointer}/${option}`,
      detail: `${option} is only for columns of type ${types.join(', ')}; this one is ${type}`,
      code: 'option_not_for_type',
    });
  }
  if (type === 'enum' && column.values === undefined) {
    problems.push({
      pointer: `${pointer}/values`,
      detail: 'an enum column needs values',
      code: 'values_missing',
    });
  }
  if ((column.scale ?? 0) > (column.precision ?? Number.MAX_SAFE_INTEGER)) {
    problems.push({
      pointer: `${pointer}/scale`,
      detail: 'scale must not exceed precision',
      code: 'scale_too_large',
    });
  }
  if ((column.minLength ?? 0) > (column.maxLength ?? Number.MAX_SAFE_INTEGER)) {
    problems.push({
      pointer: `${pointer}/minLength`,
      detail: 'minLength must not exceed maxLength',
      code: 'limits_crossed',
    });
  }
  const no = new Set((column.falseValues ?? []).map((value) => value.toLowerCase()));
  if (column.trueValues?.some((value) => no.has(value.toLowerCase()))) {
    problems.push({
      pointer: `${pointer}/trueValues`,
      detail: 'a spelling cannot mean both yes and no',
      code: 'limits_crossed',
    });
  }
}

function checkOwnPattern(
  column: ColumnRuleDto,
  pointer: string,
  patterns: PatternChecks,
  problems: RuleProblem[],
): void {
  if (column.pattern === undefined) {
    if (column.patternHint === undefined) return;
    problems.push({
      pointer: `${pointer}/patternHint`,
      detail: 'there is no pattern',
      code: 'pattern_missing',
    });
    return;
  }
  const detail = refusal(() => patterns.check(column.pattern!));
  if (detail !== undefined) problems.push({ pointer: `${pointer}/pattern`, detail, code: 'pattern_invalid' });
}

function checkRange(column: ColumnRuleDto, pointer: string, problems: RuleProblem[]): void {
  if (column.type === 'date') return checkDates(column, pointer, problems);
  for (const limit of ['min', 'max'] as const) {
    const value = column[limit];
    if (value === undefined || isDecimalText(String(value))) continue;
    problems.push({
      pointer: `${pointer}/${limit}`,
      detail: `${limit} must be a plain number such as 10 or "0.05"`,
      code: 'limit_invalid',
    });
    return;
  }
  const { min, max } = column;
  if (min === undefined || max === undefined || !isDecimalText(String(min)) || !isDecimalText(String(max)))
    return;
  if (compareDecimalTexts(String(min), String(max)) > 0) pushCrossed(pointer, problems);
}

function checkDates(column: ColumnRuleDto, pointer: string, problems: RuleProblem[]): void {
  const format = column.format ?? 'YYYY-MM-DD';
  const detail = refusal(() => new DateReader(format));
  if (detail !== undefined) {
    problems.push({ pointer: `${pointer}/format`, detail, code: 'format_invalid' });
    return;
  }
  const limits = (['min', 'max'] as const).map((limit) => {
    const value = column[limit];
    if (value === undefined) return undefined;
    const time = dateLimit(String(value), format);
    if (Number.isNaN(time)) {
      problems.push({
        pointer: `${pointer}/${limit}`,
        detail: `${limit} must be a date as ${format} or as YYYY-MM-DD`,
        code: 'limit_invalid',
      });
    }
    return time;
  });
  if (limits[0] !== undefined && limits[1] !== undefined && limits[0] > limits[1])
    pushCrossed(pointer, problems);
}

function pushCrossed(pointer: string, problems: RuleProblem[]): void {
  problems.push({ pointer: `${pointer}/min`, detail: 'min must not exceed max', code: 'limits_crossed' });
}
