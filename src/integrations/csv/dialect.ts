import { maxCells } from './cell-splitter';
import { RecordScanner } from './record-scanner';
import { delimiters, type Delimiter, type TextEncoding } from './rule-words';

/** How a file is written. */
export interface Dialect {
  encoding: TextEncoding;
  delimiter: Delimiter;
  newline: 'crlf' | 'lf' | 'cr';
  bom: boolean;
}

/** What the beginning of a file tells about its signs; `hintBytes` is the length of a `sep=;` line to pass over. */
export interface Signs {
  delimiter: Delimiter;
  newline: Dialect['newline'];
  hintBytes: number;
}

const sampleBytes = 64 * 1024;
const sampleRecords = 100;

/** Finds delimiter and line end from the first 64 KiB of a file in UTF-8; `given` overrides the delimiter. */
export function findSigns(start: Uint8Array, given?: Delimiter): Signs {
  const sample = start.subarray(0, sampleBytes);
  const newline = findNewline(sample);
  const hint = /^sep=([,;\t|])(\r\n|\n|\r)/.exec(Buffer.from(sample.subarray(0, 8)).toString('latin1'));
  if (hint !== null) {
    return { delimiter: given ?? (hint[1] as Delimiter), newline, hintBytes: hint[0].length };
  }
  return { delimiter: given ?? findDelimiter(sample, newline), newline, hintBytes: 0 };
}

function findNewline(sample: Uint8Array): Dialect['newline'] {
  const feed = sample.indexOf(10);
  if (feed > 0 && sample[feed - 1] === 13) return 'crlf';
  if (feed >= 0) return 'lf';
  const back = sample.indexOf(13);
  // A CR as the very last byte may be half of a CRLF.
  return back >= 0 && back < sample.length - 1 ? 'cr' : 'lf';
}

/** The delimiter that cuts most rows into as many cells as the header line, and into most cells when several do. */
function findDelimiter(sample: Uint8Array, newline: Dialect['newline']): Delimiter {
  let best: Delimiter = ',';
  let bestScore = 0;
  for (const delimiter of delimiters) {
    const counts = countCells(sample, delimiter, newline === 'cr');
    const width = counts[0] ?? 0;
    if (width < 2) continue;
    const agreeing = counts.filter((count) => count === width).length / counts.length;
    const score = agreeing * 1000 + Math.min(width, 500);
    if (score > bestScore) {
      best = delimiter;
      bestScore = score;
    }
  }
  return best;
}

function countCells(sample: Uint8Array, delimiter: Delimiter, returnEndsLine: boolean): number[] {
  const scanner = new RecordScanner({
    delimiter: delimiter.charCodeAt(0),
    returnEndsLine,
    maxRecordBytes: sampleBytes,
  });
  const { offset } = scanner.room();
  scanner.bytes.set(sample, offset);
  scanner.filled(sample.length);
  const counts: number[] = [];
  while (counts.length < sampleRecords && scanner.next()) {
    // Quotes that do not fit are a sign of the wrong delimiter.
    counts.push(scanner.flags === 0 ? Math.min(scanner.count, maxCells) : 0);
  }
  // The last record may be cut, so it counts only when there is no other.
  if (counts.length === 0) {
    scanner.end();
    if (scanner.next()) counts.push(scanner.count);
  }
  return counts;
}
