import type { FileHandle } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ZipFile } from 'yazl';
import type { Compression } from './compression';

export interface CompressWish {
  readonly algorithm: Compression;
  /** 1 to 9. */
  readonly level: number;
  /** What the file is called inside of an archive. */
  readonly name: string;
  readonly bytes: number;
}

/** Compresses a file of any size into a new one at a path, in constant memory. */
export async function compressFile(
  input: FileHandle,
  path: string,
  { algorithm, level, name, bytes }: CompressWish,
  progress: (percent: number) => void,
): Promise<void> {
  const source = input.createReadStream({ autoClose: false, start: 0 });
  const output = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      progress(bytes === 0 ? 100 : Math.floor((100 * source.bytesRead) / bytes));
      done(null, chunk);
    },
  });
  if (algorithm === 'gzip') return pipeline(source, counted, createGzip({ level }), output);
  const zip = new ZipFile();
  zip.addReadStream(source.pipe(counted), name, {
    compressionLevel: level,
    // The same file makes the same archive.
    mtime: new Date('2000-01-01T00:00:00Z'),
    mode: 0o100_644,
  });
  zip.end();
  // An error of the source would otherwise leave the archive waiting for ever.
  source.on('error', (error) => counted.destroy(error));
  counted.on('error', (error) => output.destroy(error));
  return pipeline(zip.outputStream, output);
}
