import { guardedStart } from './formula-guard';
import { UnreadableFileError } from './unreadable-file';

const lineFeed = 10;
const carriageReturn = 13;
const quote = 34;
// What a byte can be for the scanner; everything that is not listed is part of a cell.
const ordinary = 0;
const atDelimiter = 1;
const atNewline = 2;
const atReturn = 3;
const atQuote = 4;
const needsMore = -1;

/** What is irregular about a record; a record without any of these can be passed on byte by byte. */
export const recordFlags = { strayQuote: 1, textAfterQuote: 2, unterminatedQuote: 4, loneReturn: 8 } as const;

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
/** More cells than this are counted, not kept. */
export const maxCells = 2048;

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
export class RecordScanner {
  readonly bytes: Uint8Array;
  readonly starts = new Int32Array(maxCells);
  readonly ends = new Int32Array(maxCells);
  /** Where each cell ends in the record as it was written, quotes included; the next one begins one byte later. */
  readonly rawEnds = new Int32Array(maxCells);
  /** Cells of the record, also those above `maxCells`. */
  count = 0;
  flags = 0;
  /** Some cell begins with a sign that a spreadsheet may take for a formula; see `needsGuard`. */
  hasFormulaStart = false;
  recordStart: number;
  /** Without the line end. */
  recordEnd: number;
  /** The line of the file, from 1, on which the record begins. */
  line = 1;
  /** Empty lines that were passed over, and the first of them. */
  blankLines = 0;
  firstBlankLine = 0;
  private readonly maxRecordBytes: number;
  private readonly begin: number;
  private readonly inputEnd: number;
  private readonly classes = new Uint8Array(256);
  private readonly literalClasses: Uint8Array;
  private readonly highestSpecial: number;
  private position: number;
  private filledTo: number;
  private nextLine = 1;
  private innerLines = 0;
  private hasOpenQuote = false;
  private scratch = 0;
  private hasEnded = false;

  constructor(private readonly options: ScannerOptions) {
    this.maxRecordBytes = options.maxRecordBytes ?? defaultMaxRecordBytes;
    this.begin = options.begin ?? 0;
    // Not set to zero: what is never written to takes no memory of the machine.
    this.bytes = options.memory ?? Buffer.allocUnsafeSlow(memoryFor(this.maxRecordBytes));
    this.inputEnd = this.begin + readBytes + this.maxRecordBytes;
    this.recordStart = this.recordEnd = this.position = this.filledTo = this.begin;
    this.classes[lineFeed] = atNewline;
    this.classes[carriageReturn] = options.returnEndsLine === true ? atNewline : atReturn;
    this.literalClasses = this.classes.slice();
    this.classes[quote] = atQuote;
    this.highestSpecial = Math.max(quote, options.delimiter);
    this.classes[options.delimiter] = this.literalClasses[options.delimiter] = atDelimiter;
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

  private scan(from: number, classes: Uint8Array): number {
    const { bytes, starts, ends, rawEnds, filledTo } = this;
    const limit = starts.length;
    const highest = this.highestSpecial;
    const formulaStarts = guardedStart;
    let formulas = 0;
    const isQuoting = classes[quote] === atQuote;
    let at = from;
    let count = 0;
    let kind = ordinary;
    let byte = 0;
    this.flags = 0;
    this.innerLines = 0;
    this.hasOpenQuote = false;
    this.scratch = this.inputEnd + 1;
    for (;;) {
      const start = at;
      if (isQuoting && bytes[at] === quote && at < filledTo) {
        at = this.scanQuoted(at, count);
        if (at === needsMore) return needsMore;
        kind = classes[bytes[at]!]!;
        formulas |= formulaStarts[bytes[start + 1]!]!;
      } else {
        for (;;) {
          // Most bytes of most files are above every special one, which saves them the look-up.
          while ((byte = bytes[at]!) > highest || (kind = classes[byte]!) === ordinary) at++;
          if (kind === atQuote) this.flags |= recordFlags.strayQuote;
          else if (kind === atReturn && bytes[at + 1] !== lineFeed) this.flags |= recordFlags.loneReturn;
          else break;
          at++;
        }
        if (at > start) formulas |= formulaStarts[bytes[start]!]!;
        if (count < limit) {
          starts[count] = start;
          ends[count] = at;
          rawEnds[count] = at;
        }
      }
      count++;
      if (kind === atDelimiter) {
        at++;
        continue;
      }
      // The sentinel, or a CR just before it, may be no line end at all.
      if (!this.hasEnded && (at >= filledTo || (kind === atReturn && at + 1 >= filledTo))) return needsMore;
      this.hasFormulaStart = formulas !== 0;
      this.count = count;
      this.recordEnd = at;
      return kind === atReturn ? at + 2 : at + 1;
    }
  }

  /** Reads the quoted cell that opens at `open`; gives the place of the sign behind it. */
  private scanQuoted(open: number, cell: number): number {
    const { bytes, filledTo } = this;
    const lineEnd = this.options.returnEndsLine === true ? carriageReturn : lineFeed;
    let at = open + 1;
    let hasEscapes = false;
    for (; ; at++) {
      while (bytes[at] !== quote && at < filledTo) if (bytes[at++] === lineEnd) this.innerLines++;
      if (at >= filledTo || (at + 1 >= filledTo && !this.hasEnded)) {
        this.hasOpenQuote = true;
        return needsMore;
      }
      if (bytes[at + 1] !== quote || at + 1 >= filledTo) break;
      hasEscapes = true;
      at++;
    }
    const close = at++;
    if (!this.endsCell(at)) {
      this.flags |= recordFlags.textAfterQuote;
      while (!this.endsCell(at)) at++;
      this.keep(cell, open, at, at);
    } else if (hasEscapes) {
      const start = this.scratch;
      for (let from = open + 1; from < close; from++) {
        bytes[this.scratch++] = bytes[from]!;
        if (bytes[from] === quote) from++;
      }
      this.keep(cell, start, this.scratch, at);
    } else this.keep(cell, open + 1, close, at);
    return at;
  }

  private endsCell(at: number): boolean {
    const kind = this.literalClasses[this.bytes[at]!]!;
    if (kind === atReturn) return this.bytes[at + 1] === lineFeed;
    return kind !== ordinary;
  }

  private keep(cell: number, start: number, end: number, rawEnd: number): void {
    if (cell >= maxCells) return;
    this.starts[cell] = start;
    this.ends[cell] = end;
    this.rawEnds[cell] = rawEnd;
  }
}
