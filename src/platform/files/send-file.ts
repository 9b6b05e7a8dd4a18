import type { FastifyReply, FastifyRequest } from 'fastify';
import { finished, Readable } from 'node:stream';
import { problem } from '../problems/problem-catalogue';
import type { OpenedFile, ReadOptions } from '../storage/blob-store';
import { rangeOf } from './byte-range';

/** How a stored file is answered. */
export interface FileAnswer {
  readonly type: string;
  /** Names these very bytes; without its quotes. */
  readonly tag: string;
  /** The name it is saved under, where it is to be saved and not shown. */
  readonly saveAs?: string;
  /** They win over those that every file is sent with. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What every answer carries that hands out bytes of callers: no browser guesses at them or runs them. */
export const fileHeaders = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'private, no-cache',
} as const;

/**
 * Sends an opened file, or the part of it that `Range` asks for, never holding more than a buffer of it,
 * and closes it. Throws `range_not_satisfiable`.
 */
export async function sendFile(
  file: OpenedFile,
  { type, tag, saveAs, headers: own }: FileAnswer,
  { method, headers }: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { bytes } = file;
  let isReading = false;
  try {
    const etag = `"${tag}"`;
    const { range: asked, 'if-range': ifRange } = headers;
    const range = ifRange === undefined || ifRange === etag ? rangeOf(asked, bytes) : undefined;
    if (range === 'unsatisfiable') {
      throw problem('range_not_satisfiable', { headers: { 'content-range': `bytes */${bytes}` } });
    }
    const { start, end } = range ?? { start: 0, end: bytes - 1 };
    reply.type(type).headers({
      ...fileHeaders,
      ...(saveAs !== undefined && { 'content-disposition': attachment(saveAs) }),
      ...own,
      'accept-ranges': 'bytes',
      etag,
      'content-length': String(end - start + 1),
    });
    if (range !== undefined) reply.status(206).header('content-range', `bytes ${start}-${end}/${bytes}`);
    isReading = bytes > 0 && method !== 'HEAD';
    // Fastify keeps the length of an answer to HEAD only when it is given a stream.
    void reply.send(isReading ? streamOnce(file, { start, end }) : Readable.from([]));
  } finally {
    if (!isReading) await file.close();
  }
}

/** The bytes of a file, which is closed when they end, and when their reader goes away. */
export function streamOnce(file: OpenedFile, options?: ReadOptions): Readable {
  const stream = file.stream(options);
  finished(stream, () => void file.close());
  return stream;
}

/** The Content-Disposition under which a browser saves a file, whatever characters its name has. */
export function attachment(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]+/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
