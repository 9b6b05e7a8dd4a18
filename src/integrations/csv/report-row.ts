import { bytesOf } from './cell-text';
import type { FindingKind } from './finding-catalog';
import { guard, needsGuard } from './formula-guard';
import { reportColumns, type HeaderMap } from './header';
import { maxCells } from './cell-splitter';
import type { RecordScanner } from './record-scanner';
import { mask, type RowChecker } from './row-checker';

const quote = 34;
const lineFeed = 10;
const carriageReturn = 13;
const maskBytes = bytesOf(mask);

/** What stands between two findings of one row in a report's cell. */
export const findingSeparator = ' | ';

/** A finding as it stands in a report's cell: `[rule] column: message`, notes with `(info)` in front. */
export function findingText({ rule, column, message, severity }: FindingKind): string {
  return `${severity === 'info' ? '(info) ' : ''}[${rule}] ${column === null ? '' : `${column}: `}${message}`;
}

/** A text as it stands inside a quoted cell. */
export function escapedBytes(text: string): Uint8Array {
  return bytesOf(text.replaceAll('"', '""'));
}

export interface ReportFormat {
  delimiter: number;
  newline: 'crlf' | 'lf' | 'cr';
  bom: boolean;
}

/**
 * Writes rows as they are stored (private cells masked, columns of an earlier report left out) and as they stand in the
 * report (formulas guarded, two columns of findings added). Both are well-formed CSV whatever the row looked like.
 */
export class RowWriter {
  private readonly lineEnd: Uint8Array;
  private readonly delimiter: number;
  private readonly kindTexts: Uint8Array[] = [];
  private readonly keepsAll: boolean;
  private readonly privateCells: number[];
  private readonly isPrivate = new Uint8Array(maxCells);
  /** Nobody can say which cell is a private one: all of them are masked. */
  private masksRow = false;

  constructor(
    private readonly header: HeaderMap,
    privateCells: number[],
    private readonly kinds: FindingKind[],
    private readonly format: ReportFormat,
  ) {
    this.delimiter = format.delimiter;
    this.privateCells = privateCells.toSorted((a, b) => a - b);
    for (const cell of privateCells) this.isPrivate[cell] = 1;
    this.keepsAll = !header.isReport && header.cells.length === header.width;
    this.lineEnd = bytesOf({ crlf: '\r\n', lf: '\n', cr: '\r' }[format.newline]);
  }

  /** The report's first line, with its byte order mark. */
  headerLine(): Uint8Array {
    const names = [...this.header.names, reportColumns.errors, reportColumns.warnings];
    const cells = names.map((name) => {
      const bytes = bytesOf(name);
      const guarded = needsGuard(bytes, 0, bytes.length) ? `'${name}` : name;
      return /[",;\t|\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
    });
    const line = cells.join(String.fromCharCode(this.delimiter));
    return Buffer.concat([bytesOf(this.format.bom ? '\uFEFF' : ''), bytesOf(line), this.lineEnd]);
  }

  /** Whether the row can be written as it stands, but for masked cells: `writeStored` then takes one piece of memory. */
  isPlain(record: RecordScanner): boolean {
    if (!this.keepsAll || record.flags !== 0 || record.count !== this.header.width) return false;
    if (!record.hasFormulaStart) return true;
    const { bytes, starts, ends, count } = record;
    for (let i = 0; i < count; i++) {
      if (needsGuard(bytes, starts[i]!, ends[i]!)) return false;
    }
    return true;
  }

  /** At most so many bytes are written for a row without its findings, however it is written. */
  storedBound(record: RecordScanner): number {
    // Every byte may be a quote to double; every cell may get quotes, a guard and a delimiter, or a mask in its place.
    const length = record.recordEnd - record.recordStart;
    const cells = Math.max(record.count, this.header.width);
    return length * 2 + cells * (maskBytes.length + 4);
  }

  /** At most so many bytes are written for the findings of a row, and for cells that have no column. */
  findingsBound(record: RecordScanner, found: readonly number[]): number {
    let bound = 16;
    for (const kind of found) bound += this.kindText(kind).length + findingSeparator.length;
    return record.count > this.header.width ? bound + this.storedBound(record) : bound;
  }

  /** Copies a plain row within the scanner's own memory; gives the offset behind it. */
  copyPlain(record: RecordScanner, target: number): number {
    const { bytes, rawEnds, recordStart, recordEnd } = record;
    const cells = this.privateCells;
    let from = recordStart;
    let to = target;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]!;
      const start = cell === 0 ? recordStart : rawEnds[cell - 1]! + 1;
      const end = rawEnds[cell]!;
      if (start === end) continue;
      bytes.copyWithin(to, from, start);
      to += start - from;
      for (let k = 0; k < maskBytes.length; k++) bytes[to++] = maskBytes[k]!;
      from = end;
    }
    bytes.copyWithin(to, from, recordEnd);
    return to + recordEnd - from;
  }

  /** Writes any row cell by cell as it is stored. */
  rebuildStored(record: RecordScanner, checker: RowChecker, target: Uint8Array, offset: number): number {
    this.masksRow = checker.mayBeShifted && this.privateCells.length > 0;
    const { cells } = this.header;
    let to = offset;
    for (let i = 0; i < cells.length && cells[i]! < record.count; i++) {
      if (i > 0) target[to++] = this.delimiter;
      to = this.writeCell(record, cells[i]!, target, to, false);
    }
    return checker.isShaped ? to : this.writeSurplus(record, target, to, false);
  }

  /** Writes any row cell by cell for the report: formulas guarded, missing cells added. */
  rebuildReported(record: RecordScanner, checker: RowChecker, target: Uint8Array, offset: number): number {
    this.masksRow = checker.mayBeShifted && this.privateCells.length > 0;
    const { cells } = this.header;
    let to = offset;
    for (let i = 0; i < cells.length; i++) {
      if (i > 0) target[to++] = this.delimiter;
      if (cells[i]! < record.count) to = this.writeCell(record, cells[i]!, target, to, true);
    }
    return to;
  }

  /** Writes the two columns of findings and the line end behind a row of the report. */
  writeFindings(record: RecordScanner, checker: RowChecker, target: Uint8Array, offset: number): number {
    const { found } = checker;
    const { delimiter } = this;
    let to = offset;
    target[to++] = delimiter;
    if (found.length > 0) to = this.writeKinds(found, true, target, to);
    target[to++] = delimiter;
    if (found.length > 0) to = this.writeKinds(found, false, target, to);
    if (!checker.isShaped) to = this.writeSurplus(record, target, to, true);
    for (let i = 0; i < this.lineEnd.length; i++) target[to++] = this.lineEnd[i]!;
    return to;
  }

  /** Cells behind the last column have no column in the report either: they follow the findings. */
  private writeSurplus(record: RecordScanner, target: Uint8Array, offset: number, guards: boolean): number {
    let to = offset;
    for (let cell = this.header.width; cell < Math.min(record.count, maxCells); cell++) {
      target[to++] = this.delimiter;
      to = this.writeCell(record, cell, target, to, guards);
    }
    return to;
  }

  private writeKinds(found: readonly number[], isError: boolean, target: Uint8Array, offset: number): number {
    let to = offset;
    for (const kind of found) {
      if ((this.kinds[kind]!.severity === 'error') !== isError) continue;
      const text = this.kindText(kind);
      if (to === offset) target[to++] = quote;
      else for (let i = 0; i < findingSeparator.length; i++) target[to++] = findingSeparator.charCodeAt(i);
      target.set(text, to);
      to += text.length;
    }
    if (to > offset) target[to++] = quote;
    return to;
  }

  private writeCell(
    record: RecordScanner,
    cell: number,
    target: Uint8Array,
    offset: number,
    guards: boolean,
  ): number {
    const { bytes } = record;
    const start = record.starts[cell]!;
    const end = record.ends[cell]!;
    let to = offset;
    if (start === end) return to;
    if (this.masksRow || this.isPrivate[cell] === 1) {
      target.set(maskBytes, to);
      return to + maskBytes.length;
    }
    const isGuarded = guards && needsGuard(bytes, start, end);
    const needsQuotes = isGuarded || this.needsQuotes(bytes, start, end);
    if (needsQuotes) target[to++] = quote;
    if (isGuarded) target[to++] = guard;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === quote) target[to++] = quote;
      target[to++] = byte;
    }
    if (needsQuotes) target[to++] = quote;
    return to;
  }

  private needsQuotes(bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === quote || byte === this.delimiter || byte === lineFeed || byte === carriageReturn)
        return true;
    }
    return false;
  }

  private kindText(kind: number): Uint8Array {
    return (this.kindTexts[kind] ??= escapedBytes(findingText(this.kinds[kind]!)));
  }
}
