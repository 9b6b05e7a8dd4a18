import type { FindingCatalog } from '../../../integrations/csv/finding-catalog';
import type { RecordScanner } from '../../../integrations/csv/record-scanner';
import type { RowWriter } from '../../../integrations/csv/report-row';
import type { RowChecker } from '../../../integrations/csv/row-checker';
import type { CopyChannel } from './validation-pass-copy';
import type { FindingStore } from './validation-pass-findings';
import type { KeyLog } from './validation-pass-keys';
import type { BlockFile, RowMarks } from './validation-pass-report';

// Three fields: the run's id (16 bytes), the row's number (4), the record.
const rowHeadBytes = 34;

export interface RowPassParts {
  scanner: RecordScanner;
  checker: RowChecker;
  catalog: FindingCatalog;
  writer: RowWriter;
  findings: FindingStore;
  draft: BlockFile;
  marks: RowMarks;
  rows: CopyChannel;
  keys: KeyLog | undefined;
  runId: Buffer;
  /** The header has private columns. */
  hasPrivate: boolean;
}

/** What stopped the pass over the rows: no more bytes, or a database that has to take some first. */
export type RowPassPause = 'input' | 'output';

/** Takes every record of a file once: checks it, and writes it to the database, its keys to their log, all to the draft. */
export class RowPass {
  read = 0;
  invalid = 0;
  findingCount = 0;
  private readonly view: DataView;
  private readonly runIdHigh: bigint;
  private readonly runIdLow: bigint;
  private isHolding = false;

  constructor(private readonly parts: RowPassParts) {
    const { bytes } = parts.scanner;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.runIdHigh = parts.runId.readBigUInt64BE(0);
    this.runIdLow = parts.runId.readBigUInt64BE(8);
  }

  /** Goes on until it has to wait. */
  drain(): RowPassPause {
    const { scanner, checker, rows, keys } = this.parts;
    for (;;) {
      // A record that found no room is still there: nothing has been done with it yet.
      if (!this.isHolding && !scanner.next()) return 'input';
      this.isHolding = true;
      const bound = rowHeadBytes + this.parts.writer.storedBound(scanner);
      if (!rows.canTake(bound)) return 'output';
      this.isHolding = false;
      this.read++;
      checker.check(scanner);
      if (checker.found.length > 0) this.noteFindings();
      if (checker.hasError) this.invalid++;
      this.write(bound);
      if (keys !== undefined && checker.isShaped) keys.add(this.read, checker);
    }
  }

  private noteFindings(): void {
    const { scanner, checker, catalog, findings, hasPrivate } = this.parts;
    this.findingCount += checker.found.length;
    for (const kind of checker.found) {
      if (!findings.wants(kind)) continue;
      const cell = catalog.kinds[kind]!.cell ?? -1;
      const mustMask = hasPrivate && checker.mayBeShifted;
      const value =
        cell < 0
          ? null
          : findings.valueOf(kind, scanner.bytes, scanner.starts[cell]!, scanner.ends[cell]!, mustMask);
      findings.add(this.read, scanner.line, kind, value);
    }
  }

  private write(bound: number): void {
    const { scanner, checker, writer, rows, draft, marks } = this.parts;
    const isPlain = !rows.isLarge(bound) && writer.isPlain(scanner);
    if (this.read === marks.nextRow) marks.note(draft.length);
    if (!isPlain) {
      this.writeRebuilt(rows.isLarge(bound));
      return;
    }
    const start = rows.at + rowHeadBytes;
    const end = writer.copyPlain(scanner, start);
    this.writeRowHead(this.view, rows.at, end - start);
    rows.at = end;
    const reportBound = end - start + writer.findingsBound(scanner, checker.found);
    if (!draft.hasRoom(reportBound)) {
      this.writeReport(writer.storedBound(scanner) + writer.findingsBound(scanner, checker.found));
      return;
    }
    scanner.bytes.copyWithin(draft.at, start, end);
    draft.at = writer.writeFindings(scanner, checker, scanner.bytes, draft.at + end - start);
  }

  private writeRebuilt(isLarge: boolean): void {
    const { scanner, checker, writer, rows } = this.parts;
    if (isLarge) {
      const piece = new Uint8Array(rowHeadBytes + writer.storedBound(scanner));
      const end = writer.rebuildStored(scanner, checker, piece, rowHeadBytes);
      this.writeRowHead(new DataView(piece.buffer), 0, end - rowHeadBytes);
      rows.sendLarge(piece.subarray(0, end));
    } else {
      const start = rows.at + rowHeadBytes;
      const end = writer.rebuildStored(scanner, checker, scanner.bytes, start);
      this.writeRowHead(this.view, rows.at, end - start);
      rows.at = end;
    }
    this.writeReport(writer.storedBound(scanner) + writer.findingsBound(scanner, checker.found));
  }

  private writeReport(bound: number): void {
    const { scanner, checker, writer, draft } = this.parts;
    if (draft.hasRoom(bound)) {
      const end = writer.rebuildReported(scanner, checker, scanner.bytes, draft.at);
      draft.at = writer.writeFindings(scanner, checker, scanner.bytes, end);
      return;
    }
    const piece = new Uint8Array(bound);
    const end = writer.rebuildReported(scanner, checker, piece, 0);
    draft.append(piece.subarray(0, writer.writeFindings(scanner, checker, piece, end)));
  }

  /** Three fields: the run's id, the row's number, and the record of `length` bytes that follows. */
  private writeRowHead(view: DataView, offset: number, length: number): void {
    view.setUint16(offset, 3);
    view.setUint32(offset + 2, 16);
    view.setBigUint64(offset + 6, this.runIdHigh);
    view.setBigUint64(offset + 14, this.runIdLow);
    view.setUint32(offset + 22, 4);
    view.setUint32(offset + 26, this.read);
    view.setUint32(offset + 30, length);
  }
}
