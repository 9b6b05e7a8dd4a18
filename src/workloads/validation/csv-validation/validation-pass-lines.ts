import type { FindingCatalog } from '../../../integrations/csv/finding-catalog';
import type { HeaderMap } from '../../../integrations/csv/header';
import type { RecordScanner } from '../../../integrations/csv/record-scanner';
import type { RuleSet } from '../../../integrations/csv/rule-set';
import { UnreadableFileError } from '../../../integrations/csv/unreadable-file';

/** A header line with none of the columns that the rules name is no header line, or that of another file. */
export function refuseStrangers(header: HeaderMap, ruleSet: RuleSet | undefined): void {
  if (ruleSet === undefined || header.ruleCells.some((cell) => cell >= 0)) return;
  const names = ruleSet.columns.slice(0, 5).map((column) => `"${column.name}"`);
  const more = ruleSet.columns.length > names.length ? ' …' : '';
  throw new UnreadableFileError(
    'header_unrecognised',
    `The first line has none of the columns that the rule set "${ruleSet.name}" expects (${names.join(', ')}${more}); ` +
      'add a header line, or choose the right rule set.',
  );
}

/** Reports, after the last row, what can be said of the lines of a file as a whole. */
export function reportLines(scanner: RecordScanner, rowsRead: number, catalog: FindingCatalog): void {
  if (rowsRead === 0) {
    catalog.report({
      rule: 'no_rows',
      column: null,
      severity: 'warning',
      message: 'The file has a header line and nothing else; add rows, or check the export.',
    });
  }
  if (scanner.blankLines > 0 && scanner.firstBlankLine < scanner.line) {
    catalog.report({
      rule: 'blank_lines',
      column: null,
      severity: 'info',
      message: `Empty lines were passed over; the first is line ${scanner.firstBlankLine}.`,
    });
  }
}
