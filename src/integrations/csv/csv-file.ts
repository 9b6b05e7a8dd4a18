import { closeSync, openSync } from 'node:fs';
import { ByteSource } from './byte-source';
import { textOf } from './cell-text';
import { findSigns, type Dialect } from './dialect';
import { emptyFile, findEncoding, surveyBytes, type FileEncoding } from './file-encoding';
import { RecordScanner } from './record-scanner';
import type { RuleSet } from './rule-set';
import { UnreadableFileError } from './unreadable-file';

const maxColumns = 2000;

/** An uploaded file, open behind its header line. */
export interface OpenFile {
  scanner: RecordScanner;
  encoding: FileEncoding;
  dialect: Dialect;
  header: string[];
  /** Reads on; false at the end of the file. */
  fill(): boolean;
  /** How much of the file has been read, 0 to 1. */
  share(): number;
  close(): void;
}

/** Opens an upload, finds out how it is written and reads its header line; throws UnreadableFileError when it cannot be. */
export async function openFile(
  path: string,
  ruleSet: RuleSet | undefined,
  memory: Uint8Array,
  maxRecordBytes?: number,
): Promise<OpenFile> {
  const file = open(path);
  try {
    // Nothing else is in this memory yet.
    const block = Buffer.from(memory.buffer, memory.byteOffset, Math.min(surveyBytes, memory.length));
    const encoding = await findEncoding(file, ruleSet?.encoding, block);
    const source = new ByteSource(file, encoding);
    const signs = findSigns(beginning(file, encoding), ruleSet?.delimiter);
    const scanner = new RecordScanner({
      delimiter: signs.delimiter.charCodeAt(0),
      returnEndsLine: signs.newline === 'cr',
      memory,
      ...(maxRecordBytes !== undefined && { maxRecordBytes }),
    });
    const fill = () => {
      const { offset, length } = scanner.room();
      const read = source.read(scanner.bytes, offset, length);
      scanner.filled(read);
      if (read === 0) scanner.end();
      return read > 0;
    };
    fill();
    if (signs.hintBytes > 0) scanner.skip(signs.hintBytes, 1);
    return {
      scanner,
      encoding,
      dialect: {
        encoding: encoding.encoding,
        delimiter: signs.delimiter,
        newline: signs.newline,
        bom: encoding.bomBytes > 0,
      },
      header: readHeader(scanner, fill),
      fill,
      share: () => Math.min(1, source.position / encoding.sizeBytes),
      close: () => closeSync(file),
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UnreadableFileError(
      'file_missing',
      'The uploaded file is not there any more; upload it again.',
    );
  }
}

/** The first 64 KiB of the file in UTF-8, through a source of its own. */
function beginning(file: number, encoding: FileEncoding): Uint8Array {
  const sample = new Uint8Array(64 * 1024);
  return sample.subarray(0, new ByteSource(file, encoding).read(sample, 0, sample.length));
}

function readHeader(scanner: RecordScanner, fill: () => boolean): string[] {
  for (let hasMore = true; !scanner.next(); hasMore = fill()) if (!hasMore) throw emptyFile();
  if (scanner.count > maxColumns) {
    throw new UnreadableFileError(
      'too_many_columns',
      `The header line has ${scanner.count} columns, and ${maxColumns} is the most; look for a wrong delimiter.`,
    );
  }
  return Array.from({ length: scanner.count }, (_, i) =>
    textOf(scanner.bytes, scanner.starts[i]!, scanner.ends[i]!),
  );
}
