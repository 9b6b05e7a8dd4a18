import type { IncomingMessage } from 'node:http';
import { pipeline, Transform, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import {
  CompressionRatioError,
  ContentTypeError,
  ResponseTooLargeError,
  ResponseUnreadableError,
} from './outbound-error';

export interface BodyLimits {
  readonly origin: string;
  readonly maxBytes: number;
  readonly maxRatio: number | undefined;
  /** What an error of the connection or of the compression means to the caller. */
  readonly errorOf: (error: Error) => Error;
}

// What compression may add to a body that it cannot make smaller.
const COMPRESSION_OVERHEAD_BYTES = 65_536;
// A page of zeros compresses better than any limit, and harms nobody.
const HARMLESS_BYTES = 4 * 1024 * 1024;

const decompressors: Record<string, () => Transform> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Whether a declared type, parameters aside, is one of those accepted; `*` stands for any run of characters, once. */
export function isAccepted(declared: string | undefined, accepted: readonly string[]): boolean {
  const [essence = ''] = (declared ?? '').split(';', 1);
  const type = essence.trim().toLowerCase();
  return accepted.some((pattern) => {
    const [begin = '', end] = pattern.split('*', 2);
    if (end === undefined) return type === begin;
    return type.length >= begin.length + end.length && type.startsWith(begin) && type.endsWith(end);
  });
}

/** Throws {@link ContentTypeError} unless the answer declares a type that is accepted. */
export function assertContentType(
  answer: IncomingMessage,
  accepted: readonly string[] | undefined,
  origin: string,
): void {
  if (accepted !== undefined && !isAccepted(answer.headers['content-type'], accepted)) {
    throw new ContentTypeError(origin, accepted);
  }
}

/**
 * The decompressed body, which fails with {@link ResponseTooLargeError} at its limit: no more of it is ever in memory
 * than the buffers of the streams. Throws {@link ResponseUnreadableError} for a coding that is not known.
 */
export function decodedBody(answer: IncomingMessage, limits: BodyLimits): Readable {
  const { origin, maxBytes, maxRatio = Infinity, errorOf } = limits;
  const coding = (answer.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const isPlain = coding === 'identity' || coding === '';
  const decompressor = isPlain ? undefined : decompressors[coding];
  if (!isPlain && decompressor === undefined) {
    throw new ResponseUnreadableError(origin, 'its content encoding is none of gzip, br and deflate');
  }
  if (isPlain && Number(answer.headers['content-length'] ?? 0) > maxBytes) {
    throw new ResponseTooLargeError(origin, maxBytes);
  }
  const tooLarge = () => new ResponseTooLargeError(origin, maxBytes);
  // A compressed body may go on for ever and decompress to nothing.
  let wireBytes = 0;
  const wire = capped((bytes) => {
    wireBytes = bytes;
    return bytes > maxBytes + COMPRESSION_OVERHEAD_BYTES ? tooLarge() : undefined;
  });
  const body = capped((bytes) => {
    if (bytes > maxBytes) return tooLarge();
    const isBomb = !isPlain && bytes > HARMLESS_BYTES && bytes > wireBytes * maxRatio;
    return isBomb ? new CompressionRatioError(origin, maxRatio) : undefined;
  }, errorOf);
  if (decompressor === undefined) pipeline(answer, body, () => undefined);
  else pipeline(answer, wire, decompressor(), body, () => undefined);
  return body;
}

/** Passes bytes on until `excess` has an objection to how many there have been. */
function capped(excess: (bytes: number) => Error | undefined, errorOf = (error: Error) => error): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      const error = excess(bytes);
      if (error !== undefined) done(error);
      else done(null, chunk);
    },
    destroy(error, done) {
      done(error === null ? null : errorOf(error));
    },
  });
}
