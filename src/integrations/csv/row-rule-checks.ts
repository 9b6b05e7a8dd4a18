import type { PatternChecks } from './cell-pattern';
import type { ColumnRuleDto } from './column-rule.dto';
import { dateLimit } from './date-format';
import { isDecimalText } from './decimal-text';
import { columnFinder } from './header';
import type { CellTestDto } from './row-rule.dto';
import { refusal, type RuleProblem } from './rule-problem';
import type { RuleSetDto } from './rule-set.dto';
import { valueKindOf } from './value-order';

/** Checks that keys, comparisons and conditions name columns of the rule set and ask what can be answered. */
export function checkRowRules(ruleSet: RuleSetDto, patterns: PatternChecks, problems: RuleProblem[]): void {
  const find = columnFinder(ruleSet);
  const known = (name: string, pointer: string): ColumnRuleDto | undefined => {
    const column = ruleSet.columns[find(name)];
    if (column !== undefined) return column;
    problems.push({
      pointer,
      detail: `"${name}" is not among the columns; give it an entry there`,
      code: 'unknown_column',
    });
    return undefined;
  };
  ruleSet.unique?.forEach((rule, index) =>
    rule.columns.forEach((name, column) => known(name, `/unique/${index}/columns/${column}`)),
  );
  ruleSet.comparisons?.forEach((rule, index) => {
    const pointer = `/comparisons/${index}`;
    const left = known(rule.left, `${pointer}/left`);
    const right = known(rule.right, `${pointer}/right`);
    if (left === undefined || right === undefined || valueKindOf(left) === valueKindOf(right)) return;
    problems.push({
      pointer,
      detail: `a ${valueKindOf(left)} cannot be compared with a ${valueKindOf(right)}; give both columns types that fit`,
      code: 'types_differ',
    });
  });
  ruleSet.conditions?.forEach((rule, index) => {
    for (const part of ['when', 'then'] as const) {
      rule[part].forEach((test, at) => {
        const pointer = `/conditions/${index}/${part}/${at}`;
        const column = known(test.column, `${pointer}/column`);
        if (column !== undefined) checkTest(test, column, pointer, patterns, problems);
      });
    }
  });
}

function checkTest(
  test: CellTestDto,
  column: ColumnRuleDto,
  pointer: string,
  patterns: PatternChecks,
  problems: RuleProblem[],
): void {
  const needs =
    test.operator === 'in' || test.operator === 'notIn'
      ? 'values'
      : test.operator === 'empty' || test.operator === 'notEmpty'
        ? undefined
        : 'value';
  for (const member of ['value', 'values'] as const) {
    const isThere = test[member] !== undefined;
    if (isThere === (member === needs)) continue;
    problems.push({
      pointer: `${pointer}/${member}`,
      detail: isThere ? `${test.operator} takes no ${member}` : `${test.operator} needs ${member}`,
      code: isThere ? 'operand_unused' : 'operand_missing',
    });
    return;
  }
  const detail = operandProblem(test, column, patterns);
  if (detail !== undefined) problems.push({ pointer: `${pointer}/value`, detail, code: 'operand_invalid' });
}

function operandProblem(
  test: CellTestDto,
  column: ColumnRuleDto,
  patterns: PatternChecks,
): string | undefined {
  const value = String(test.value);
  if (test.operator === 'matches') return refusal(() => patterns.check(value));
  if (test.value === undefined) return undefined;
  const kind = valueKindOf(column);
  if (kind === 'number' && !isDecimalText(value))
    return `"${column.name}" holds numbers; compare it with one`;
  if (kind === 'date' && Number.isNaN(dateLimit(value, column.format ?? 'YYYY-MM-DD'))) {
    return `"${column.name}" holds dates; compare it with one`;
  }
  return undefined;
}
