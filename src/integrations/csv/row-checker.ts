import { ByteSet } from './byte-set';
import { compileColumn } from './cell-checks';
import { bytesOf } from './cell-text';
import { compileColumns, loopOver, type ColumnCodeOwner, type ColumnTask } from './column-code';
import type { FindingCatalog } from './finding-catalog';
import { isGuarded } from './formula-guard';
import type { HeaderMap } from './header';
import { maxCells, recordFlags } from './cell-splitter';
import type { RecordScanner } from './record-scanner';
import { defineStructure, type StructureKinds } from './row-structure';
import { compileRowRules } from './row-rules';
import type { RuleSetDto } from './rule-set.dto';

/** What stands in place of a private value, in findings, stored rows and reports. */
export const mask = '•••';
const maskBytes = bytesOf(mask);

const shiftingFlags = recordFlags.unterminatedQuote | recordFlags.textAfterQuote;

interface ColumnPlan extends ColumnTask {
  name: string;
  trim: boolean;
  /** Cells may hold the mask of an earlier report. */
  mayBeMasked: boolean;
  masked: number;
}

export interface RowCheckerOptions {
  mayBeDamaged?: boolean;
  mayHaveNul?: boolean;
  /** Default true; the checks are the same without, and slower. */
  mayGenerateCode?: boolean;
}

/**
 * Checks one record after the other against a rule set, or only its structure without one. After `check`, `found` lists the
 * findings of the row (numbers of the catalog, counted there) and `hasError` says whether the row is invalid. The guards
 * of an earlier report are taken off the scanner's cells on the way.
 */
export class RowChecker implements ColumnCodeOwner<ColumnPlan> {
  readonly found: number[] = [];
  hasError = false;
  /** The row has a cell for every column, so its cells mean something. */
  isShaped = false;
  /** The row's cells may stand in columns where they do not belong, private ones among them. */
  mayBeShifted = false;
  bytes: Uint8Array = new Uint8Array(0);
  /** Without the spaces that a rule tells to ignore; only for columns with rules. */
  readonly starts = new Int32Array(maxCells);
  readonly ends = new Int32Array(maxCells);
  readonly invalid = new Uint8Array(maxCells);
  readonly empty = new Uint8Array(maxCells);
  private readonly columns: ColumnPlan[];
  private readonly checkColumns: (record: RecordScanner) => void;
  private readonly structure: StructureKinds;
  private readonly emptyValues: ByteSet | undefined;
  private readonly looksForDamage: boolean;

  constructor(
    private readonly header: HeaderMap,
    ruleSet: RuleSetDto | undefined,
    private readonly catalog: FindingCatalog,
    options: RowCheckerOptions = {},
  ) {
    const needsValues = ruleSet?.columns.some((column) => column.required === true) ?? false;
    this.structure = defineStructure(catalog, header.width, needsValues);
    this.looksForDamage = options.mayBeDamaged === true || options.mayHaveNul === true;
    this.emptyValues = ruleSet?.emptyValues?.length ? new ByteSet(ruleSet.emptyValues) : undefined;
    this.columns = ruleSet === undefined ? [] : planColumns(ruleSet, header, catalog);
    const rowChecks = ruleSet === undefined ? [] : compileRowRules(ruleSet, header, catalog);
    const compile = options.mayGenerateCode === false ? loopOver : compileColumns;
    this.checkColumns = compile<ColumnPlan>(this, this.columns, rowChecks);
  }

  check(record: RecordScanner): void {
    if (this.found.length > 0) this.found.length = 0;
    this.hasError = false;
    this.bytes = record.bytes;
    if (record.flags !== 0) this.addFlags(record.flags);
    if (this.looksForDamage) this.addDamage(record);
    const width = this.header.width;
    this.isShaped = record.count === width || (record.count > width && hasEmptySurplus(record, width));
    this.mayBeShifted = !this.isShaped || (record.flags & shiftingFlags) !== 0;
    if (record.recordEnd - record.recordStart === record.count - 1 && record.count > 1) {
      this.isShaped = false;
      this.add(this.structure.emptyRow);
    } else if (!this.isShaped) {
      if ((record.flags & recordFlags.unterminatedQuote) !== 0) return;
      this.add(record.count < width ? this.structure.tooFew : this.structure.tooMany);
    } else {
      if (this.header.isReport) takeOffGuards(record, this.header.cells);
      this.checkColumns(record);
    }
  }

  /** Says, after the last row, how many cells were not looked at because they hold the mask of an earlier report. */
  finish(): void {
    for (const { name, masked } of this.columns) {
      if (masked === 0) continue;
      this.catalog.report({
        rule: 'masked_value',
        column: name,
        severity: 'warning',
        message: `${masked} cells hold ${mask}, which an earlier report wrote in place of a private value; they were not checked.`,
      });
    }
  }

  add(kind: number): void {
    this.found.push(kind);
    this.catalog.counts[kind]!++;
    if (this.catalog.kinds[kind]!.severity === 'error') this.hasError = true;
  }

  /** For the compiled columns. Trims the cell first; a masked one is as good as empty. */
  countsAsEmpty(column: ColumnPlan): boolean {
    const { bytes, starts, ends } = this;
    const { cell } = column;
    let start = starts[cell]!;
    let end = ends[cell]!;
    if (column.trim) {
      while (start < end && bytes[start]! <= 32) start++;
      while (end > start && bytes[end - 1]! <= 32) end--;
      starts[cell] = start;
      ends[cell] = end;
    }
    if (column.mayBeMasked && isMask(bytes, start, end)) {
      column.masked++;
      return true;
    }
    return start === end || (this.emptyValues?.has(bytes, start, end) ?? false);
  }

  addEmpty(column: ColumnPlan): void {
    const { bytes, starts, ends } = this;
    if (column.mayBeMasked && isMask(bytes, starts[column.cell]!, ends[column.cell]!)) return;
    this.add(column.emptyKind);
  }

  private addFlags(flags: number): void {
    const { structure } = this;
    if ((flags & recordFlags.unterminatedQuote) !== 0) this.add(structure.unterminatedQuote);
    if ((flags & recordFlags.textAfterQuote) !== 0) this.add(structure.textAfterQuote);
    if ((flags & recordFlags.strayQuote) !== 0) this.add(structure.strayQuote);
    if ((flags & recordFlags.loneReturn) !== 0) this.add(structure.strayReturn);
  }

  private addDamage(record: RecordScanner): void {
    const { bytes, recordStart, recordEnd } = record;
    let hasNul = false;
    let isDamaged = false;
    for (let i = recordStart; i < recordEnd; i++) {
      const byte = bytes[i]!;
      if (byte === 0x1a) hasNul = true;
      else if (byte === 0xef && bytes[i + 1] === 0xbf && bytes[i + 2] === 0xbd) isDamaged = true;
    }
    if (hasNul) this.add(this.structure.nulByte);
    if (isDamaged) this.add(this.structure.invalidEncoding);
  }
}

function takeOffGuards({ bytes, starts, ends }: RecordScanner, cells: number[]): void {
  for (const cell of cells) if (isGuarded(bytes, starts[cell]!, ends[cell]!)) starts[cell]!++;
}

function planColumns(ruleSet: RuleSetDto, header: HeaderMap, catalog: FindingCatalog): ColumnPlan[] {
  return ruleSet.columns.flatMap((column, index) => {
    const cell = header.ruleCells[index]!;
    if (cell < 0) return [];
    const name = header.names[header.cells.indexOf(cell)]!;
    const emptyKind =
      column.required !== true
        ? 0
        : catalog.define({
            rule: 'required',
            column: name,
            severity: column.severities?.required ?? column.severity ?? 'error',
            message: 'Every row needs a value here; fill it in.',
          });
    const mayBeMasked = header.isReport && column.private === true;
    return {
      ...compileColumn(column, name, cell, catalog),
      cell,
      name,
      emptyKind,
      trim: column.trim === true,
      mayBeMasked,
      isSpecial: column.trim === true || mayBeMasked || (ruleSet.emptyValues ?? []).length > 0,
      masked: 0,
    };
  });
}

/** Spreadsheets like to write empty cells behind the last column; those are no mistake. */
function hasEmptySurplus(record: RecordScanner, width: number): boolean {
  const last = record.count - 1;
  if (last >= maxCells) return false;
  // Nothing but delimiters follows the last column.
  const surplusBytes = record.rawEnds[last]! - record.rawEnds[width - 1]!;
  return surplusBytes === record.count - width;
}

function isMask(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== maskBytes.length) return false;
  for (let i = 0; i < maskBytes.length; i++) if (bytes[start + i] !== maskBytes[i]) return false;
  return true;
}
