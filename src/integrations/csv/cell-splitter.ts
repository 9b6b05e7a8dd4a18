import { guardedStart } from './formula-guard';

export const lineFeed = 10;
export const carriageReturn = 13;
const quote = 34;
// What a byte can be for the splitter; everything that is not listed is part of a cell.
const ordinary = 0;
const atDelimiter = 1;
const atNewline = 2;
const atReturn = 3;
const atQuote = 4;
/** The record goes on behind the bytes that are there. */
export const needsMore = -1;

/** What is irregular about a record; a record without any of these can be passed on byte by byte. */
export const recordFlags = { strayQuote: 1, textAfterQuote: 2, unterminatedQuote: 4, loneReturn: 8 } as const;

/** More cells than this are counted, not kept. */
export const maxCells = 2048;

export interface CellSplitterOptions {
  /** The byte between two cells. */
  delimiter: number;
  /** Lines end with CR alone. */
  returnEndsLine: boolean;
  bytes: Uint8Array;
  /** From here on unescaped cells may be written. */
  scratchBegin: number;
}

/** Splits one record of UTF-8 bytes into cells without making strings; where the record ends others have to judge. */
export abstract class CellSplitter {
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
  /** Without the line end. */
  recordEnd = 0;
  protected readonly classes = new Uint8Array(256);
  /** The same with quotes as ordinary signs. */
  protected readonly literalClasses: Uint8Array;
  protected filledTo = 0;
  /** Line ends within the cells of the record. */
  protected innerLines = 0;
  protected hasOpenQuote = false;
  protected hasEnded = false;
  private readonly lineEnd: number;
  private readonly highestSpecial: number;
  private readonly scratchBegin: number;
  private scratch = 0;

  constructor({ delimiter, returnEndsLine, bytes, scratchBegin }: CellSplitterOptions) {
    this.bytes = bytes;
    this.scratchBegin = scratchBegin;
    this.lineEnd = returnEndsLine ? carriageReturn : lineFeed;
    this.classes[lineFeed] = atNewline;
    this.classes[carriageReturn] = returnEndsLine ? atNewline : atReturn;
    this.literalClasses = this.classes.slice();
    this.classes[quote] = atQuote;
    this.highestSpecial = Math.max(quote, delimiter);
    this.classes[delimiter] = this.literalClasses[delimiter] = atDelimiter;
  }

  /** Splits the record that begins at `from`; gives the place behind its line end, or `needsMore`. */
  protected scan(from: number, classes: Uint8Array): number {
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
    this.scratch = this.scratchBegin;
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
    const { lineEnd } = this;
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
