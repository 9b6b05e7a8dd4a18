import { textOf } from './cell-text';
import { findSigns } from './dialect';
import { isGuarded } from './formula-guard';
import { reportColumns } from './header';
import { maxCells } from './cell-splitter';
import { RecordScanner } from './record-scanner';
import { findingSeparator } from './report-row';
import { delimiters } from './rule-words';

/** One finding of a report's row. */
export interface ReportedFinding {
  rule: string;
  column: string | null;
  message: string;
}

/** One row of a report. */
export interface ReportedRow {
  /** 1 for the first row behind the header line. */
  row: number;
  values: Record<string, string>;
  errors: ReportedFinding[];
  warnings: ReportedFinding[];
}

/**
 * Turns a report (CSV as this engine writes it) into a JSON array of `{row, values, errors, warnings}`, piece by piece as
 * it is read; guards before formulas are taken off. Bounded memory, whatever the report's size.
 */
export async function* csvReportToJson(report: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let opening = '[\n';
  for await (const batch of readReport(report)) {
    yield opening + batch.map((row) => JSON.stringify(row)).join(',\n');
    opening = ',\n';
  }
  yield opening === '[\n' ? '[]\n' : '\n]\n';
}

/** Reads a report row by row, in batches of what one chunk holds. */
export async function* readReport(report: AsyncIterable<Uint8Array>): AsyncGenerator<ReportedRow[]> {
  const reader = new ReportReader();
  for await (const chunk of report) {
    const rows = reader.push(chunk);
    if (rows.length > 0) yield rows;
  }
  const rest = reader.end();
  if (rest.length > 0) yield rest;
}

class ReportReader {
  private scanner: RecordScanner | undefined;
  private start = Buffer.alloc(0);
  private names: string[] | undefined;
  private row = 0;

  push(chunk: Uint8Array): ReportedRow[] {
    if (this.scanner !== undefined) return this.read(this.scanner, chunk);
    // The delimiter shows in the header line, which may come in pieces.
    this.start = Buffer.concat([this.start, chunk]);
    const isComplete = delimiterOf(this.start) !== undefined || this.start.length >= maxHeaderBytes;
    return isComplete ? this.begin() : [];
  }

  end(): ReportedRow[] {
    const rows = this.scanner === undefined ? this.begin() : [];
    this.scanner!.end();
    this.drain(this.scanner!, rows);
    return rows;
  }

  private begin(): ReportedRow[] {
    this.scanner = scannerFor(this.start);
    return this.read(this.scanner, this.start);
  }

  private read(scanner: RecordScanner, chunk: Uint8Array): ReportedRow[] {
    const rows: ReportedRow[] = [];
    for (let from = 0; from < chunk.length;) {
      const { offset, length } = scanner.room();
      const part = chunk.subarray(from, from + length);
      scanner.bytes.set(part, offset);
      scanner.filled(part.length);
      from += part.length;
      this.drain(scanner, rows);
    }
    return rows;
  }

  private drain(scanner: RecordScanner, rows: ReportedRow[]): void {
    while (scanner.next()) {
      const cells = cellsOf(scanner);
      if (this.names === undefined) this.names = distinct(cells);
      else rows.push(toRow(++this.row, this.names, cells));
    }
  }
}

const maxHeaderBytes = 1024 * 1024;

/** Names that occur twice get their place, so that no value hides another. */
function distinct(cells: string[]): string[] {
  const seen = new Set<string>();
  return cells.map((cell, index) => {
    const plain = index === 0 ? cell.replace(/^\uFEFF/, '') : cell;
    const name = seen.has(plain) ? `${plain} (column ${index + 1})` : plain;
    seen.add(plain);
    return name;
  });
}

// A report's row is its record with every quote doubled, masks and findings: four times the record's limit holds it.
const maxReportRowBytes = 4 * 1024 * 1024;

function scannerFor(start: Buffer): RecordScanner {
  const { delimiter, newline } = findSigns(start);
  return new RecordScanner({
    delimiter: delimiterOf(start) ?? delimiter.charCodeAt(0),
    returnEndsLine: newline === 'cr',
    maxRecordBytes: maxReportRowBytes,
  });
}

/** What stands before the name of the first added column is the delimiter, beyond doubt. */
function delimiterOf(start: Buffer): number | undefined {
  for (
    let at = start.indexOf(reportColumns.errors);
    at >= 0;
    at = start.indexOf(reportColumns.errors, at + 1)
  ) {
    const before = String.fromCharCode(start[at - 1] ?? 0);
    const after = String.fromCharCode(start[at + reportColumns.errors.length] ?? 0);
    if ((delimiters as readonly string[]).includes(before) && after === before) return before.charCodeAt(0);
  }
  return undefined;
}

function cellsOf({ bytes, starts, ends, count }: RecordScanner): string[] {
  const cells: string[] = [];
  for (let i = 0; i < Math.min(count, maxCells); i++) {
    const start = starts[i]!;
    const end = ends[i]!;
    cells.push(textOf(bytes, isGuarded(bytes, start, end) ? start + 1 : start, end));
  }
  return cells;
}

function toRow(row: number, names: string[], cells: string[]): ReportedRow {
  const values: [string, string][] = [];
  let errors = '';
  let warnings = '';
  cells.forEach((cell, index) => {
    const name = names[index] ?? `column ${index + 1}`;
    if (name === reportColumns.errors) errors = cell;
    else if (name === reportColumns.warnings) warnings = cell;
    else values.push([name, cell]);
  });
  return {
    row,
    values: Object.fromEntries(values),
    errors: findingsIn(errors, names),
    warnings: findingsIn(warnings, names),
  };
}

function findingsIn(cell: string, names: string[]): ReportedFinding[] {
  if (cell === '') return [];
  // A separator is only one when a rule's name follows: messages may hold the same signs.
  const parts = cell.split(
    new RegExp(`${findingSeparator.replace('|', '\\|')}(?=(?:\\(info\\) )?\\[[a-z0-9_]+[:\\]])`, 'i'),
  );
  return parts.map((part) => {
    const match = /^(?:\(info\) )?\[([^\]]+)\] (.*)$/s.exec(part);
    if (match === null) return { rule: 'unknown', column: null, message: part };
    const rest = match[2]!;
    const column = names
      .filter((name) => rest.startsWith(`${name}: `))
      .reduce<string | null>(
        (longest, name) => (longest === null || name.length > longest.length ? name : longest),
        null,
      );
    return { rule: match[1]!, column, message: column === null ? rest : rest.slice(column.length + 2) };
  });
}
