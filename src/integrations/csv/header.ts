import type { FindingCatalog } from './finding-catalog';
import type { RuleSetDto } from './rule-set.dto';

/** The columns that a report adds; a file that has them is a report that comes back. */
export const reportColumns = { errors: '_errors', warnings: '_warnings' } as const;

/** Two column names mean the same when their keys are equal: `loose` ignores case, spaces, `_` and `-`. */
export function columnKey(name: string, match: 'loose' | 'exact'): string {
  return match === 'exact'
    ? name
    : name
        .normalize('NFC')
        .toLowerCase()
        .replace(/[\s_-]+/gu, '');
}

/** Finds the column that a rule over several columns names, by the same rule that matches headers. */
export function columnFinder(ruleSet: RuleSetDto): (name: string) => number {
  const match = ruleSet.headerMatch ?? 'loose';
  const indexes = new Map<string, number>();
  ruleSet.columns.forEach((column, index) => indexes.set(columnKey(column.name, match), index));
  return (name) => indexes.get(columnKey(name, match)) ?? -1;
}

/** Where each rule of a rule set finds its cells, and which cells of a row are kept. */
export interface HeaderMap {
  /** Names as the file has them, without the columns of an earlier report. */
  names: string[];
  /** For each kept column its place in the file. */
  cells: number[];
  /** How many cells a row of the file has. */
  width: number;
  /** For each column rule its place in the file, -1 when the file has no such column. */
  ruleCells: number[];
  /** The file is a report of ours: apostrophes before formulas are ours too. */
  isReport: boolean;
}

/** Matches the header line with the rules and records what is wrong with it as findings on row 0. */
export function mapHeader(
  line: string[],
  ruleSet: RuleSetDto | undefined,
  catalog: FindingCatalog,
): HeaderMap {
  const isReport = line.includes(reportColumns.errors);
  const added = new Set<string>(isReport ? Object.values(reportColumns) : []);
  const cells = line.flatMap((name, index) => (added.has(name) ? [] : [index]));
  checkNames(line, cells, ruleSet, catalog);
  const ruleCells = ruleSet === undefined ? [] : matchRules(line, cells, ruleSet, catalog);
  return { names: cells.map((cell) => line[cell]!), cells, width: line.length, ruleCells, isReport };
}

function checkNames(
  line: string[],
  cells: number[],
  ruleSet: RuleSetDto | undefined,
  catalog: FindingCatalog,
): void {
  const seen = new Set<string>();
  for (const cell of cells) {
    const name = line[cell]!;
    const key = columnKey(name, ruleSet?.headerMatch ?? 'exact');
    if (name.trim() === '') {
      catalog.report({
        rule: 'empty_column_name',
        column: null,
        severity: 'warning',
        message: `Column ${cell + 1} has no name; name it in the header line, or remove the column.`,
      });
    } else if (seen.has(key)) {
      catalog.report({
        rule: 'duplicate_column',
        column: name,
        severity: 'error',
        message: `Column ${cell + 1} has the name of an earlier column; rename one of them (rules look at the first).`,
      });
    }
    seen.add(key);
  }
}

function matchRules(line: string[], cells: number[], ruleSet: RuleSetDto, catalog: FindingCatalog): number[] {
  const match = ruleSet.headerMatch ?? 'loose';
  const byKey = new Map<string, number>();
  for (const cell of cells) {
    const key = columnKey(line[cell]!, match);
    if (!byKey.has(key)) byKey.set(key, cell);
  }
  const used = new Set<number>();
  const ruleCells = ruleSet.columns.map((column) => {
    const names = [column.name, ...(column.aliases ?? [])].map((name) => columnKey(name, match));
    const found = [...new Set(names)].flatMap((name) => byKey.get(name) ?? []);
    for (const extra of found.slice(1)) {
      used.add(extra);
      catalog.report({
        rule: 'duplicate_column',
        column: line[extra]!,
        severity: 'error',
        message: `Column ${extra + 1} means the same as column ${found[0]! + 1}; remove one of them.`,
      });
    }
    const cell = found[0] ?? -1;
    used.add(cell);
    if (cell < 0 && (column.columnRequired ?? column.required ?? false)) {
      catalog.report({
        rule: 'missing_column',
        column: column.name,
        severity: column.severities?.required ?? column.severity ?? 'error',
        message: 'The header line lacks this column; add it, or correct its name.',
      });
    }
    return cell;
  });
  const severity = ruleSet.unknownColumns ?? 'allow';
  if (severity !== 'allow') {
    const strangers = cells.filter((cell) => !used.has(cell) && line[cell]!.trim() !== '');
    for (const cell of strangers) {
      catalog.report({
        rule: 'unknown_column',
        column: line[cell]!,
        severity,
        message: 'The rule set does not know this column; remove it, or correct its name.',
      });
    }
  }
  return ruleCells;
}
