import { beginningOf } from '../../../integrations/csv/cell-text';
import type { FindingCatalog } from '../../../integrations/csv/finding-catalog';
import { mask } from '../../../integrations/csv/row-checker';
import { rowPlaceholder } from '../../../integrations/csv/unique-keys';

const maxValueCharacters = 200;
// A fifth of the places waits for kinds of findings that have been stored less than 20 times.
const reservedShare = 0.2;
const fewEnough = 20;
const flushBytes = 64 * 1024;

interface StoredFinding {
  row: number;
  line: number;
  kind: number;
  value: string | null;
  /** For a value that an earlier row has: that row. */
  firstRow: number;
}

/**
 * Keeps the findings that will be stored, at most `limit`: first come first served, with room kept for rare kinds, so that
 * one wrong column does not hide everything else.
 */
export class FindingStore {
  private readonly findings: StoredFinding[] = [];
  private readonly storedByKind: number[] = [];
  private readonly commonLimit: number;

  constructor(
    private readonly catalog: FindingCatalog,
    private readonly limit: number,
  ) {
    this.commonLimit = Math.ceil(limit * (1 - reservedShare));
  }

  get count(): number {
    return this.findings.length;
  }

  /** Whether one more finding of this kind would be kept. */
  wants(kind: number): boolean {
    const stored = this.findings.length;
    return stored < this.commonLimit || (stored < this.limit && (this.storedByKind[kind] ?? 0) < fewEnough);
  }

  add(row: number, line: number, kind: number, value: string | null, firstRow = 0): void {
    this.storedByKind[kind] = (this.storedByKind[kind] ?? 0) + 1;
    this.findings.push({ row, line, kind, value, firstRow });
  }

  /** The value that a finding may show: short, and masked when it is private. */
  valueOf(kind: number, bytes: Uint8Array, start: number, end: number, mustMask: boolean): string | null {
    if (start >= end) return null;
    if (mustMask || this.catalog.kinds[kind]!.isPrivate === true) return mask;
    return beginningOf(bytes, start, end, maxValueCharacters);
  }

  /** The findings as pieces of a binary COPY, in the order of the file; `runId` is 16 bytes. */
  *toCopy(runId: Uint8Array): Generator<Buffer> {
    const ordered = this.findings.toSorted((a, b) => a.row - b.row);
    const encoder = new TupleEncoder();
    for (const [index, { row, line, kind, value, firstRow }] of ordered.entries()) {
      const { rule, column, severity, message } = this.catalog.kinds[kind]!;
      encoder.begin(9);
      encoder.bytes(runId);
      encoder.int(index + 1);
      encoder.int(row);
      encoder.int(line === 0 ? null : line);
      encoder.text(column);
      encoder.text(rule);
      encoder.text(severity);
      encoder.text(firstRow === 0 ? message : message.replace(rowPlaceholder, String(firstRow)));
      encoder.text(value);
      if (encoder.length >= flushBytes) yield encoder.take();
    }
    if (encoder.length > 0) yield encoder.take();
  }
}

// The longest finding: a value, a column, a rule and a message at their limits, four bytes a character.
const maxTupleBytes = 8 * 1024;

class TupleEncoder {
  length = 0;
  private buffer = Buffer.allocUnsafe(flushBytes + maxTupleBytes);

  begin(fields: number): void {
    this.length = this.buffer.writeInt16BE(fields, this.length);
  }

  int(value: number | null): void {
    this.length = this.buffer.writeInt32BE(value === null ? -1 : 4, this.length);
    if (value !== null) this.length = this.buffer.writeInt32BE(value, this.length);
  }

  bytes(value: Uint8Array): void {
    this.length = this.buffer.writeInt32BE(value.length, this.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  text(value: string | null): void {
    if (value === null) {
      this.length = this.buffer.writeInt32BE(-1, this.length);
      return;
    }
    const written = this.buffer.write(value, this.length + 4, 'utf8');
    this.buffer.writeInt32BE(written, this.length);
    this.length += 4 + written;
  }

  take(): Buffer {
    const piece = Buffer.from(this.buffer.subarray(0, this.length));
    this.length = 0;
    return piece;
  }
}
