import { isAscii, isUtf8 } from 'node:buffer';
import { fstatSync, readSync } from 'node:fs';
import type { TextEncoding } from './rule-words';
import { UnreadableFileError } from './unreadable-file';

/** How a file's letters are written. */
export interface FileEncoding {
  encoding: TextEncoding;
  /** The file begins with a byte order mark of `bomBytes` bytes. */
  bomBytes: number;
  /** Some bytes may not be letters in this encoding. */
  mayBeDamaged: boolean;
  /** There may be NUL characters. */
  mayHaveNul: boolean;
  sizeBytes: number;
}

/** What `findEncoding` reads at a time. */
export const surveyBytes = 1024 * 1024;
const sampleBytes = 64 * 1024;

const signatures: [hex: string, what: string][] = [
  ['504b0304', 'an Excel workbook, OpenDocument table or ZIP archive'],
  ['d0cf11e0a1b11ae1', 'an old Excel workbook'],
  ['25504446', 'a PDF document'],
  ['1f8b', 'a gzip archive'],
  ['28b52ffd', 'a zstd archive'],
  ['50415231', 'a Parquet file'],
  ['53514c69746520666f726d6174', 'a SQLite database'],
  ['89504e47', 'a PNG image'],
  ['ffd8ff', 'a JPEG image'],
  ['7f454c46', 'a program'],
];

/**
 * Looks at a whole file once (gigabytes per second) to learn how its letters are written. Throws UnreadableFileError for an
 * empty file and for a file that is no text. `given` overrides the guess; `block` is a place to work, best of `surveyBytes`.
 */
export async function findEncoding(
  file: number,
  given?: TextEncoding,
  block: Buffer = Buffer.allocUnsafe(surveyBytes),
): Promise<FileEncoding> {
  const sizeBytes = fstatSync(file).size;
  const sample = block.subarray(0, readSync(file, block, 0, Math.min(sampleBytes, block.length), 0));
  if (sample.length === 0) throw emptyFile();
  refuseBinary(sample);
  const mark = byteOrderMark(sample);
  const wide = mark?.encoding ?? (given === undefined ? wideWithoutMark(sample) : undefined);
  const bomBytes = mark !== undefined && (given ?? mark.encoding) === mark.encoding ? mark.bytes : 0;
  const encoding = given ?? wide;
  if (encoding === 'utf-16le' || encoding === 'utf-16be') {
    return { encoding, bomBytes, mayBeDamaged: true, mayHaveNul: true, sizeBytes };
  }
  if (isMostlyControl(sample)) {
    throw new UnreadableFileError(
      'binary_file',
      'The file is not text; save the table as CSV and upload that.',
    );
  }
  const text = await surveyText(file, block, encoding ?? 'utf-8');
  const isUtf8File = (encoding ?? (text.looksLikeUtf8 ? 'utf-8' : 'windows-1252')) === 'utf-8';
  return {
    encoding: encoding ?? (isUtf8File ? 'utf-8' : 'windows-1252'),
    bomBytes,
    mayBeDamaged: isUtf8File && text.invalid > 0,
    mayHaveNul: text.hasNul,
    sizeBytes,
  };
}

export function emptyFile(): UnreadableFileError {
  return new UnreadableFileError(
    'empty_file',
    'The file is empty; upload a CSV file with a header line and at least one row.',
  );
}

function refuseBinary(sample: Buffer): void {
  const start = sample.subarray(0, 16).toString('hex');
  const match = signatures.find(([hex]) => start.startsWith(hex));
  if (match === undefined) return;
  throw new UnreadableFileError(
    'binary_file',
    `The file is ${match[1]}, not CSV; export the table as CSV (UTF-8) and upload that.`,
  );
}

function byteOrderMark(sample: Buffer): { encoding: TextEncoding; bytes: number } | undefined {
  if (sample[0] === 0xef && sample[1] === 0xbb && sample[2] === 0xbf) return { encoding: 'utf-8', bytes: 3 };
  if (sample[0] === 0xff && sample[1] === 0xfe) return { encoding: 'utf-16le', bytes: 2 };
  if (sample[0] === 0xfe && sample[1] === 0xff) return { encoding: 'utf-16be', bytes: 2 };
  return undefined;
}

/** In UTF-16 text of western languages nearly every second byte is zero, and always the same one of two. */
function wideWithoutMark(sample: Buffer): TextEncoding | undefined {
  const zeros = [0, 0];
  for (let i = 0; i < sample.length; i++) if (sample[i] === 0) zeros[i & 1]!++;
  const [even, odd] = zeros as [number, number];
  const many = sample.length * 0.2;
  if (odd > many && even < odd / 4) return 'utf-16le';
  if (even > many && odd < even / 4) return 'utf-16be';
  return undefined;
}

function isMostlyControl(sample: Buffer): boolean {
  let control = 0;
  for (const byte of sample) if (byte < 9 || (byte > 13 && byte < 32)) control++;
  return control > sample.length * 0.05;
}

interface Survey {
  invalid: number;
  looksLikeUtf8: boolean;
  hasNul: boolean;
}

async function surveyText(file: number, block: Buffer, encoding: TextEncoding): Promise<Survey> {
  let position = 0;
  let invalid = 0;
  let valid = 0;
  let hasNul = false;
  for (;;) {
    const read = readSync(file, block, 0, block.length, position);
    if (read === 0) break;
    // A character that is cut by the end of the block is looked at with the next one.
    const cut = read < block.length ? 0 : cutCharacter(block, read);
    const part = block.subarray(0, read - cut);
    position += part.length;
    hasNul ||= part.includes(0);
    if (encoding === 'utf-8' && !isAscii(part)) {
      const isValid = isUtf8(part);
      const counts = countSequences(isValid ? part.subarray(0, sampleBytes) : part);
      valid += counts.valid;
      if (!isValid) invalid += counts.invalid;
    }
    // Other work of this thread gets its turn between two blocks.
    await new Promise(setImmediate);
  }
  return { invalid, looksLikeUtf8: invalid <= valid, hasNul };
}

function cutCharacter(block: Buffer, length: number): number {
  for (let back = 1; back <= 3; back++) {
    const byte = block[length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** Counts characters of several bytes, and bytes that belong to none. */
function countSequences(part: Uint8Array): { valid: number; invalid: number } {
  let valid = 0;
  let invalid = 0;
  for (let i = 0; i < part.length; i++) {
    const byte = part[i]!;
    if (byte < 0x80) continue;
    const more = byte >= 0xf0 && byte < 0xf5 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : 0;
    let seen = 0;
    while (seen < more && (part[i + seen + 1]! & 0xc0) === 0x80) seen++;
    if (more > 0 && seen === more && byte < 0xf5) {
      valid++;
      i += more;
    } else invalid++;
  }
  return { valid, invalid };
}
