import { beginningOf, bytesOf } from '../../../integrations/csv/cell-text';
import type { FindingCatalog, FindingKind } from '../../../integrations/csv/finding-catalog';
import { mask } from '../../../integrations/csv/row-checker';
import { rowPlaceholder } from '../../../integrations/csv/unique-keys';

const maxValueCharacters = 200;
const maskBytes = bytesOf(mask);
// A fifth of the places waits for kinds of findings that have been stored less than 20 times.
const reservedShare = 0.2;
const fewEnough = 20;
const blockBits = 16;
const blockBytes = 1 << blockBits;
// Row, line, kind, the row that had the value first, length of the value or none, and then the value.
const headBytes = 18;
const noValue = 0xffff;

/**
 * Keeps the findings that will be stored, at most `limit`: first come first served, with room kept for rare kinds, so that
 * one wrong column does not hide everything else. They are bytes from the file to the database: objects would take three
 * times the memory.
 */
export class FindingStore {
  private readonly blocks: Buffer[] = [];
  private readonly places: number[] = [];
  private readonly storedByKind: number[] = [];
  private readonly commonLimit: number;
  private at = blockBytes;

  constructor(
    private readonly catalog: FindingCatalog,
    private readonly limit: number,
  ) {
    this.commonLimit = Math.ceil(limit * (1 - reservedShare));
  }

  get count(): number {
    return this.places.length;
  }

  /** Whether one more finding of this kind would be kept. */
  wants(kind: number): boolean {
    const stored = this.places.length;
    return stored < this.commonLimit || (stored < this.limit && (this.storedByKind[kind] ?? 0) < fewEnough);
  }

  /** `firstRow` is the row that an equal value has been seen in, 0 for none. */
  add(row: number, line: number, kind: number, value: Uint8Array | null, firstRow = 0): void {
    this.storedByKind[kind] = (this.storedByKind[kind] ?? 0) + 1;
    const bytes = headBytes + (value?.length ?? 0);
    if (this.at + bytes > blockBytes) {
      this.blocks.push(Buffer.allocUnsafeSlow(blockBytes));
      this.at = 0;
    }
    const block = this.blocks.at(-1)!;
    this.places.push(((this.blocks.length - 1) << blockBits) + this.at);
    let at = block.writeUInt32LE(row, this.at);
    at = block.writeUInt32LE(line, at);
    at = block.writeUInt32LE(kind, at);
    at = block.writeUInt32LE(firstRow, at);
    at = block.writeUInt16LE(value === null ? noValue : value.length, at);
    if (value !== null) block.set(value, at);
    this.at += bytes;
  }

  /** The value that a finding may show: short, and masked when it is private. */
  valueOf(kind: number, bytes: Uint8Array, start: number, end: number, mustMask: boolean): Uint8Array | null {
    if (start >= end) return null;
    if (mustMask || this.catalog.kinds[kind]!.isPrivate === true) return maskBytes;
    return beginningOf(bytes, start, end, maxValueCharacters);
  }

  /** The findings as pieces of a binary COPY, in the order of the file; `runId` is 16 bytes. */
  *toCopy(runId: Uint8Array): Generator<Buffer> {
    const rowAt = (place: number) => this.blockOf(place).readUInt32LE(place & (blockBytes - 1));
    const ordered = this.places.toSorted((a, b) => rowAt(a) - rowAt(b));
    const writer = new TupleWriter(runId, this.catalog.kinds);
    for (const [index, place] of ordered.entries()) {
      writer.write(index + 1, this.blockOf(place), place & (blockBytes - 1));
      if (writer.length >= flushBytes) yield writer.take();
    }
    if (writer.length > 0) yield writer.take();
  }

  private blockOf(place: number): Buffer {
    return this.blocks[place >>> blockBits]!;
  }
}

const flushBytes = 64 * 1024;
// The longest finding: a value, a column, a rule and a message at their limits, four bytes a character.
const maxTupleBytes = 8 * 1024;

/** Writes findings as tuples of nine fields. */
class TupleWriter {
  length = 0;
  private readonly buffer = Buffer.allocUnsafe(flushBytes + maxTupleBytes);
  private readonly head: Buffer;
  /** The fields that are the same for every finding of a kind. */
  private readonly fields: Buffer[] = [];

  constructor(
    runId: Uint8Array,
    private readonly kinds: FindingKind[],
  ) {
    this.head = Buffer.concat([Buffer.of(0, 9, 0, 0, 0, 16), runId]);
  }

  write(ordinal: number, block: Buffer, at: number): void {
    const kind = block.readUInt32LE(at + 8);
    const valueBytes = block.readUInt16LE(at + 16);
    this.bytes(this.head);
    this.int(ordinal);
    this.int(block.readUInt32LE(at));
    this.int(block.readUInt32LE(at + 4) || null);
    this.bytes(this.fieldsOf(kind, block.readUInt32LE(at + 12)));
    this.length = this.buffer.writeInt32BE(valueBytes === noValue ? -1 : valueBytes, this.length);
    if (valueBytes !== noValue) {
      this.length += block.copy(this.buffer, this.length, at + headBytes, at + headBytes + valueBytes);
    }
  }

  take(): Buffer {
    const piece = Buffer.from(this.buffer.subarray(0, this.length));
    this.length = 0;
    return piece;
  }

  private int(value: number | null): void {
    this.length = this.buffer.writeInt32BE(value === null ? -1 : 4, this.length);
    if (value !== null) this.length = this.buffer.writeInt32BE(value, this.length);
  }

  private bytes(value: Uint8Array): void {
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  private fieldsOf(kind: number, firstRow: number): Buffer {
    if (firstRow === 0) return (this.fields[kind] ??= textFields(this.kinds[kind]!));
    const { message, ...rest } = this.kinds[kind]!;
    return textFields({ ...rest, message: message.replace(rowPlaceholder, String(firstRow)) });
  }
}

function textFields({ column, rule, severity, message }: FindingKind): Buffer {
  const fields = [column, rule, severity, message].map((text) => {
    const length = Buffer.alloc(4);
    const bytes = Buffer.from(text ?? '');
    length.writeInt32BE(text === null ? -1 : bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(fields.flat());
}
