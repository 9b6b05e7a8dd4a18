import type { FindingCatalog } from '../../../integrations/csv/finding-catalog';
import { isGuarded } from '../../../integrations/csv/formula-guard';
import type { HeaderMap } from '../../../integrations/csv/header';
import { RecordScanner } from '../../../integrations/csv/record-scanner';
import { escapedBytes, findingSeparator, findingText } from '../../../integrations/csv/report-row';
import { rowPlaceholder, type UniqueKey } from '../../../integrations/csv/unique-keys';
import type { FindingStore } from './validation-pass-findings';
import { maxReportRowBytes, type PassMemory } from './validation-pass-memory';
import type { BlockFile, RowMarks } from './validation-pass-report';
import type { SplicedCopy } from './validation-pass-splice';
import type { DuplicateKey } from './validation-pass-store';

const quote = 34;
const readBytes = 4 * 1024;

export interface DuplicatePassParts {
  draft: BlockFile;
  final: SplicedCopy;
  memory: PassMemory;
  marks: RowMarks;
  header: HeaderMap;
  delimiter: number;
  returnEndsLine: boolean;
  keys: UniqueKey[];
  catalog: FindingCatalog;
  findings: FindingStore;
}

/**
 * Adds the findings about keys that occur twice to the final form of a report: only the rows concerned, and a few before
 * each, are read from its draft as CSV.
 */
export class DuplicatePass {
  /** Rows that were valid until their key turned out to be taken. */
  invalid = 0;
  findingCount = 0;
  private readonly scanner: RecordScanner;
  /** All that is known of one row. */
  private waiting: DuplicateKey[] = [];
  private nextRow = 0;
  /** Where in the draft the scanner's memory begins to be filled next. */
  private readTo = 0;
  private recordOffset = 0;

  constructor(private readonly parts: DuplicatePassParts) {
    this.scanner = new RecordScanner({
      delimiter: parts.delimiter,
      returnEndsLine: parts.returnEndsLine,
      maxRecordBytes: maxReportRowBytes,
      memory: parts.memory.memory,
      begin: parts.memory.draftBegin,
    });
  }

  /** Takes duplicates in the order of their rows. */
  add(duplicates: DuplicateKey[]): void {
    for (const duplicate of duplicates) {
      if (this.waiting.length > 0 && this.waiting[0]!.row !== duplicate.row) this.patchWaiting();
      this.waiting.push(duplicate);
    }
  }

  /** Takes what is known of the last row. */
  finish(): void {
    this.patchWaiting();
  }

  private patchWaiting(): void {
    const duplicates = this.waiting;
    if (duplicates.length === 0) return;
    this.waiting = [];
    this.seek(duplicates[0]!.row);
    this.patch(duplicates);
  }

  private seek(row: number): void {
    const mark = this.parts.marks.before(row);
    if (this.nextRow === 0 || mark.row > this.nextRow) {
      this.scanner.restart();
      this.readTo = mark.offset;
      this.nextRow = mark.row;
    }
    while (this.nextRow <= row) {
      this.step();
      this.nextRow++;
    }
  }

  private step(): void {
    const { scanner } = this;
    while (!scanner.next()) {
      const { offset, length } = scanner.room();
      const read = this.parts.draft.read(scanner.bytes, offset, Math.min(length, readBytes), this.readTo);
      if (read === 0) throw new Error('The draft of the report lacks a row that the database knows.');
      this.readTo += read;
      scanner.filled(read);
    }
    this.recordOffset = this.readTo - scanner.bytesFromRecord;
  }

  private patch(duplicates: DuplicateKey[]): void {
    const { scanner } = this;
    const { catalog, keys, header, final } = this.parts;
    const errorsCell = header.names.length;
    const added: [string[], string[]] = [[], []];
    for (const { key, firstRow } of duplicates) {
      const id = keys[key]!.kind;
      const kind = catalog.kinds[id]!;
      catalog.counts[id]!++;
      this.findingCount++;
      const message = kind.message.replace(rowPlaceholder, String(firstRow));
      added[kind.severity === 'error' ? 0 : 1].push(findingText({ ...kind, message }));
      this.keep(id, duplicates[0]!.row, firstRow);
    }
    const wasInvalid = scanner.ends[errorsCell]! > scanner.starts[errorsCell]!;
    if (added[0].length > 0 && !wasInvalid) this.invalid++;
    added.forEach((texts, index) => {
      if (texts.length === 0) return;
      const cell = errorsCell + index;
      const isEmpty = scanner.ends[cell] === scanner.starts[cell];
      // Behind the findings that are there, within their quotes; or between two delimiters.
      const place = this.recordOffset + scanner.rawEnds[cell]! - scanner.recordStart - (isEmpty ? 0 : 1);
      const text = escapedBytes((isEmpty ? '' : findingSeparator) + texts.join(findingSeparator));
      final.insert(place, isEmpty ? Buffer.concat([Buffer.of(quote), text, Buffer.of(quote)]) : text);
    });
  }

  private keep(id: number, row: number, firstRow: number): void {
    const { findings, catalog, header } = this.parts;
    if (!findings.wants(id)) return;
    const { scanner } = this;
    const cell = header.cells.indexOf(catalog.kinds[id]!.cell ?? -1);
    const start = scanner.starts[cell]!;
    const end = scanner.ends[cell]!;
    const from = isGuarded(scanner.bytes, start, end) ? start + 1 : start;
    findings.add(row, 0, id, findings.valueOf(id, scanner.bytes, from, end, false), firstRow);
  }
}
