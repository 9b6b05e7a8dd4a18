import { CellSplitter, lineFeed, needsMore, recordFlags } from './cell-splitter';
import { UnreadableFileError } from './unreadable-file';

export interface ScannerOptions {
  /** The byte between two cells. */
  delimiter: number;
  /** Lines end with CR alone. */
  returnEndsLine?: boolean;
  /** A longer record is refused; default 1 MiB. */
  maxRecordBytes?: number;
  /** Where to work: at least `memoryFor(maxRecordBytes)` bytes; default: memory of its own. */
  memory?: Uint8Array;
  begin?: number;
}

// One read of this size costs next to nothing per row, and two of them fit into every processor's cache.
const readBytes = 256 * 1024;
const defaultMaxRecordBytes = 1024 * 1024;

/** The bytes of memory a scanner needs for records up to `maxRecordBytes`. */
export function memoryFor(maxRecordBytes = defaultMaxRecordBytes): number {
  // Input and the record that was cut by its end, the sentinel, and as much again for unescaped cells.
  return 2 * (readBytes + maxRecordBytes) + 1;
}

/**
 * Splits UTF-8 bytes into CSV records without making strings: fill `room()`, say `filled(n)`, call `next()` until it gives
 * false, and `end()` after the last byte. After `next()` the cells are `bytes[starts[i]..ends[i]]` (without quotes), valid
 * until `room()`. Malformed quotes never throw and never swallow more than one line; only a record above the limit throws
 * UnreadableFileError.
 */
export class RecordScanner extends CellSplitter {
  recordStart: number;
  /** The line of the file, from 1, on which the record begins. */
  line = 1;
  /** Empty lines that were passed over, and the first of them. */
  blankLines = 0;
  firstBlankLine = 0;
  private readonly maxRecordBytes: number;
  private readonly begin: number;
  private readonly inputEnd: number;
  private position: number;
  private nextLine = 1;

  constructor(options: ScannerOptions) {
    const { delimiter, returnEndsLine = false, maxRecordBytes = defaultMaxRecordBytes, begin = 0 } = options;
    const inputEnd = begin + readBytes + maxRecordBytes;
    super({
      delimiter,
      returnEndsLine,
      // Not set to zero: what is never written to takes no memory of the machine.
      bytes: options.memory ?? Buffer.allocUnsafeSlow(memoryFor(maxRecordBytes)),
      scratchBegin: inputEnd + 1,
    });
    this.maxRecordBytes = maxRecordBytes;
    this.begin = begin;
    this.inputEnd = inputEnd;
    this.recordStart = this.recordEnd = this.position = this.filledTo = begin;
  }

  /** Where the next bytes belong: at least `length` bytes from `offset` on; what was read before is gone afterwards. */
  room(): { offset: number; length: number } {
    if (this.position > this.begin) {
      this.bytes.copyWithin(this.begin, this.position, this.filledTo);
      this.filledTo -= this.position - this.begin;
      this.position = this.begin;
    }
    return { offset: this.filledTo, length: Math.min(readBytes, this.inputEnd - this.filledTo) };
  }

  filled(length: number): void {
    this.filledTo += length;
  }

  end(): void {
    this.hasEnded = true;
  }

  /** Forgets the first `length` unread bytes, e.g. a line that is no record. */
  skip(length: number, lines: number): void {
    this.position += length;
    this.nextLine += lines;
  }

  /** How many bytes have been given from the beginning of this record on. */
  get bytesFromRecord(): number {
    return this.filledTo - this.recordStart;
  }

  /** Forgets everything that was given, to begin elsewhere. */
  restart(): void {
    this.position = this.filledTo = this.begin;
    this.hasEnded = false;
  }

  /** Steps to the next record; false when more bytes are needed, or after the end. */
  next(): boolean {
    for (;;) {
      if (this.position >= this.filledTo) return false;
      const next = this.scanRecord();
      if (next === needsMore) return false;
      this.recordStart = this.position;
      this.line = this.nextLine;
      this.nextLine += 1 + this.innerLines;
      this.position = next > this.filledTo ? this.filledTo : next;
      if (this.recordEnd > this.recordStart) return true;
      this.blankLines++;
      if (this.firstBlankLine === 0) this.firstBlankLine = this.line;
    }
  }

  private scanRecord(): number {
    this.bytes[this.filledTo] = lineFeed;
    const next = this.scan(this.position, this.classes);
    const isTooLong = (next === needsMore ? this.filledTo : next) - this.position > this.maxRecordBytes;
    if (next !== needsMore && !isTooLong) {
      // Text after a closing quote, lines after the opening one: that quote was never meant to span lines.
      if (this.innerLines === 0 || (this.flags & recordFlags.textAfterQuote) === 0) return next;
      return this.scanLiterally();
    }
    if (this.hasOpenQuote ? this.hasEnded || isTooLong : isTooLong && this.innerLines > 0)
      return this.scanLiterally();
    if (isTooLong) throw this.tooLong();
    return needsMore;
  }

  /** The record is the line as it stands, its quotes being ordinary characters. */
  private scanLiterally(): number {
    const next = this.scan(this.position, this.literalClasses);
    if (next === needsMore || next - this.position > this.maxRecordBytes + 2) throw this.tooLong();
    this.flags |= recordFlags.unterminatedQuote;
    return next;
  }

  private tooLong(): UnreadableFileError {
    return new UnreadableFileError(
      'record_too_long',
      `The row that begins on line ${this.nextLine} is longer than ${Math.round(this.maxRecordBytes / 1024)} KiB; ` +
        'look for a missing line end or a file that is no CSV.',
    );
  }
}
