import { ByteSet } from './byte-set';
import { defaultFalseValues, defaultTrueValues } from './cell-checks';
import { compilePattern } from './cell-pattern';
import type { ColumnRuleDto } from './column-rule.dto';
import type { FindingCatalog } from './finding-catalog';
import { columnFinder, type HeaderMap } from './header';
import type { CellTestDto, ComparisonRuleDto, ConditionRuleDto } from './row-rule.dto';
import type { ComparisonOperator } from './rule-words';
import type { RuleSetDto } from './rule-set.dto';
import { orderAgainst, orderOfCells, valueKindOf } from './value-order';

/** What is known about the cells of a row, by place in the file, after they have been checked one by one. */
export interface RowCells {
  bytes: Uint8Array;
  starts: Int32Array;
  ends: Int32Array;
  /** 1 for a cell that is not of its column's type: nothing can be concluded from it. */
  invalid: Uint8Array;
  /** 1 for a cell that counts as empty. */
  empty: Uint8Array;
}

/** Looks at a whole row; 0 when it is right, else the finding's number in the catalog. */
export type RowCheck = (row: RowCells) => number;

const pass = 0;

/** Compiles the comparisons and conditions of a rule set; those that need a column the file lacks are left out. */
export function compileRowRules(ruleSet: RuleSetDto, header: HeaderMap, catalog: FindingCatalog): RowCheck[] {
  const find = columnFinder(ruleSet);
  const place = (name: string) => {
    const index = find(name);
    const cell = header.ruleCells[index] ?? -1;
    return cell < 0
      ? undefined
      : { column: ruleSet.columns[index]!, cell, name: header.names[header.cells.indexOf(cell)]! };
  };
  const checks = [
    ...(ruleSet.comparisons ?? []).map((rule) => compileComparison(rule, place, catalog)),
    ...(ruleSet.conditions ?? []).map((rule) => compileCondition(rule, place, catalog)),
  ];
  return checks.filter((check) => check !== undefined);
}

interface Place {
  column: ColumnRuleDto;
  cell: number;
  name: string;
}
type FindPlace = (name: string) => Place | undefined;

const words: Record<ComparisonOperator, string> = {
  '<': 'less than',
  '<=': 'at most',
  '>': 'greater than',
  '>=': 'at least',
  '=': 'equal to',
  '!=': 'different from',
};
const dateWords: Record<ComparisonOperator, string> = {
  ...words,
  '<': 'before',
  '<=': 'not after',
  '>': 'after',
  '>=': 'not before',
};
const holds: Record<ComparisonOperator, (order: number) => boolean> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
};

function compileComparison(
  rule: ComparisonRuleDto,
  place: FindPlace,
  catalog: FindingCatalog,
): RowCheck | undefined {
  const left = place(rule.left);
  const right = place(rule.right);
  if (left === undefined || right === undefined) return undefined;
  const order = orderOfCells(left.column, right.column);
  const isRight = holds[rule.operator];
  const word = (valueKindOf(left.column) === 'date' ? dateWords : words)[rule.operator];
  const broken = catalog.define({
    rule: rule.name === undefined ? 'comparison' : `comparison:${rule.name}`,
    column: left.name,
    severity: rule.severity ?? 'error',
    message: rule.message ?? `Must be ${word} "${right.name}" of the same row.`,
    cell: left.cell,
    isPrivate: left.column.private === true,
  });
  const a = left.cell;
  const b = right.cell;
  return ({ bytes, starts, ends, invalid, empty }) => {
    if (empty[a] === 1 || empty[b] === 1 || invalid[a] === 1 || invalid[b] === 1) return pass;
    return isRight(order(bytes, starts[a]!, ends[a]!, starts[b]!, ends[b]!)) ? pass : broken;
  };
}

/** 1 yes, 0 no, -1 cannot be said. */
type CompiledTest = (row: RowCells) => number;

function compileCondition(
  rule: ConditionRuleDto,
  place: FindPlace,
  catalog: FindingCatalog,
): RowCheck | undefined {
  const tests = [...rule.when, ...rule.then].map((test) => ({ test, at: place(test.column) }));
  if (tests.some(({ at }) => at === undefined)) return undefined;
  const premise = rule.when.map((test) => describe(test, 'is', place)).join(' and ');
  const when = rule.when.map((test) => compileTest(test, place(test.column)!));
  const then = rule.then.map((test) => {
    const at = place(test.column)!;
    return {
      check: compileTest(test, at),
      broken: catalog.define({
        rule: rule.name === undefined ? 'condition' : `condition:${rule.name}`,
        column: at.name,
        severity: rule.severity ?? 'error',
        message: rule.message ?? `When ${premise}, ${describe(test, 'must be', place)}.`,
        cell: at.cell,
        isPrivate: at.column.private === true,
      }),
    };
  });
  return (row) => {
    for (let i = 0; i < when.length; i++) if (when[i]!(row) !== 1) return pass;
    for (let i = 0; i < then.length; i++) if (then[i]!.check(row) === 0) return then[i]!.broken;
    return pass;
  };
}

function describe(test: CellTestDto, verb: 'is' | 'must be', place: FindPlace): string {
  const at = place(test.column)!;
  const subject = `"${at.name}" ${verb}`;
  const list = (test.values ?? []).slice(0, 8).join(', ').slice(0, 200);
  switch (test.operator) {
    case 'empty':
      return `${subject} empty`;
    case 'notEmpty':
      return verb === 'is' ? `${subject} filled` : `${subject} filled in`;
    case 'in':
      return `${subject} one of ${list}`;
    case 'notIn':
      return `${subject} none of ${list}`;
    case 'matches':
      return `${subject} like ${String(test.value)}`;
    case '=':
      return `${subject} ${String(test.value)}`;
    default: {
      const word = (valueKindOf(at.column) === 'date' ? dateWords : words)[test.operator];
      return `${subject} ${word} ${String(test.value)}`;
    }
  }
}

function compileTest(test: CellTestDto, { column, cell }: Place): CompiledTest {
  if (test.operator === 'empty') return ({ empty }) => empty[cell]!;
  if (test.operator === 'notEmpty') return ({ empty }) => 1 - empty[cell]!;
  const isNegative = test.operator === '!=' || test.operator === 'notIn';
  const ask = compileQuestion(test, column);
  return ({ bytes, starts, ends, invalid, empty }) => {
    if (empty[cell] === 1) return isNegative ? 1 : 0;
    if (invalid[cell] === 1) return -1;
    return ask(bytes, starts[cell]!, ends[cell]!) ? 1 : 0;
  };
}

function compileQuestion(
  test: CellTestDto,
  column: ColumnRuleDto,
): (bytes: Uint8Array, start: number, end: number) => boolean {
  const { operator } = test;
  if (operator === 'matches') return compilePattern(String(test.value));
  const kind = valueKindOf(column);
  if (
    operator === 'in' ||
    operator === 'notIn' ||
    (kind === 'text' && (operator === '=' || operator === '!='))
  ) {
    const set = textsOf(test.values ?? [String(test.value)], column);
    const expected = operator === 'in' || operator === '=';
    return (bytes, start, end) => set.has(bytes, start, end) === expected;
  }
  const order = orderAgainst(column, String(test.value));
  const isRight = holds[operator as ComparisonOperator];
  return (bytes, start, end) => isRight(order(bytes, start, end));
}

/** Any spelling of yes stands for every other one, and so does any spelling of no. */
function textsOf(values: string[], column: ColumnRuleDto): ByteSet {
  if (column.type !== 'boolean') return new ByteSet(values, column.ignoreCase);
  const spellings = [column.trueValues ?? defaultTrueValues, column.falseValues ?? defaultFalseValues];
  const asked = new Set(values.map((value) => value.toLowerCase()));
  return new ByteSet(
    [...values, ...spellings.filter((group) => group.some((text) => asked.has(text.toLowerCase()))).flat()],
    true,
  );
}
