import { FindingCatalog } from '../../src/integrations/csv/finding-catalog';
import { RecordScanner } from '../../src/integrations/csv/record-scanner';
import { RowChecker } from '../../src/integrations/csv/row-checker';
import { RowWriter } from '../../src/integrations/csv/report-row';
import { mapHeader } from '../../src/integrations/csv/header';
import { parseRuleSet } from '../../src/integrations/csv/rule-set';
import { textOf } from '../../src/integrations/csv/cell-text';
import type { ColumnRuleDto } from '../../src/integrations/csv/column-rule.dto';

/** Checks a small file and gives its findings as `row rule column`, what would be stored, and the report. */
export function check(csv: string, rules?: object, mayGenerateCode = true) {
  const ruleSet = rules === undefined ? undefined : parseRuleSet({ name: 'r', ...rules });
  const catalog = new FindingCatalog();
  const scanner = new RecordScanner({ delimiter: 44 });
  const { offset } = scanner.room();
  const input = Buffer.from(csv);
  scanner.bytes.set(input, offset);
  scanner.filled(input.length);
  scanner.end();
  scanner.next();
  const cells = () =>
    Array.from({ length: scanner.count }, (_, i) =>
      textOf(scanner.bytes, scanner.starts[i]!, scanner.ends[i]!),
    );
  const header = mapHeader(cells(), ruleSet, catalog);
  const checker = new RowChecker(header, ruleSet, catalog, { mayGenerateCode });
  const privateCells = header.ruleCells.filter(
    (cell, i) => cell >= 0 && ruleSet?.columns[i]?.private === true,
  );
  const writer = new RowWriter(header, privateCells, catalog.kinds, {
    delimiter: 44,
    newline: 'lf',
    bom: false,
  });
  const findings: string[] = [];
  const stored: string[] = [];
  const out = new Uint8Array(64 * 1024);
  let report = Buffer.from(writer.headerLine()).toString();
  const say = (row: number, kind: number) => {
    const { rule, column } = catalog.kinds[kind]!;
    findings.push([row, rule, ...(column === null ? [] : [column])].join(' '));
  };
  for (const kind of catalog.ofFile) say(0, kind);
  for (let row = 1; scanner.next(); row++) {
    checker.check(scanner);
    for (const kind of checker.found) say(row, kind);
    stored.push(textOf(out, 0, writer.rebuildStored(scanner, checker, out, 0)));
    const end = writer.rebuildReported(scanner, checker, out, 0);
    report += textOf(out, 0, writer.writeFindings(scanner, checker, out, end));
    // Quotes stay as they are in a row that is copied, and go where they are not needed in one that is rebuilt.
    if (!csv.includes('"') && writer.isPlain(scanner)) {
      const copied = writer.copyPlain(scanner, input.length + 1000);
      expect(textOf(scanner.bytes, input.length + 1000, copied)).toBe(stored.at(-1));
    }
  }
  checker.finish();
  return { findings, stored, report, catalog, header };
}

/** A rule set of these columns. */
export const columns = (...rules: (Partial<ColumnRuleDto> & { name: string })[]) => ({ columns: rules });
