import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { FileStorage, type OpenedFile } from '../../platform/storage/file-storage.service';
import { reportOf } from '../../workloads/validation/validation-files';
import { reportAsJson } from '../../workloads/validation/validation-report';
import type { ValidationRun } from '../../workloads/validation/validation-run.store';
import { rangeOf } from './byte-range';
import type { ReportFormat } from './media-type';
import { problem } from '../../platform/problems/problem-catalogue';
import { Validations } from './validations.service';

// Rows become JSON at about 10 µs each: pieces of 8 KiB hold other requests up for 4 ms, those of 64 KiB for 20.
const JSON_PIECE_BYTES = 8 * 1024;

/** Sends reports from the disk, never holding more than a buffer of one. */
@Injectable()
export class ReportDownloads {
  constructor(
    private readonly validations: Validations,
    private readonly storage: FileStorage,
  ) {}

  async send(
    { id, tenant, format }: { id: string; tenant: string; format: ReportFormat },
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const run = await this.validations.requireCompleted(id, tenant);
    const file = await this.storage.open(reportOf(run));
    if (file === undefined) throw problem('report_gone');
    let isReading = false;
    try {
      reply.headers({
        'content-disposition': disposition(run, format),
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, no-cache',
        vary: 'accept',
      });
      const body = format === 'json' ? jsonBody(file, reply) : csvBody(run, file, request, reply);
      isReading = body !== undefined && request.method !== 'HEAD';
      // Fastify keeps the length of an answer to HEAD only when it is given a stream.
      void reply.send(isReading ? body?.() : Readable.from([]));
    } finally {
      // A stream closes the file itself when it ends, and when its reader goes away.
      if (!isReading) await file.handle.close();
    }
  }
}

type Body = (() => Readable) | undefined;

function jsonBody({ handle }: OpenedFile, reply: FastifyReply): Body {
  reply.type('application/json; charset=utf-8');
  return () =>
    Readable.from(reportAsJson(handle.createReadStream({ highWaterMark: JSON_PIECE_BYTES })), {
      objectMode: false,
    });
}

function csvBody(
  run: ValidationRun,
  file: OpenedFile,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): Body {
  const { handle, bytes } = file;
  const tag = `"${run.id}.${run.attempt}"`;
  const { range: asked, 'if-range': ifRange } = headers;
  const range = ifRange === undefined || ifRange === tag ? rangeOf(asked, bytes) : undefined;
  if (range === 'unsatisfiable') {
    throw problem('range_not_satisfiable', { headers: { 'content-range': `bytes */${bytes}` } });
  }
  const { start, end } = range ?? { start: 0, end: bytes - 1 };
  reply.type('text/csv; charset=utf-8').headers({
    'accept-ranges': 'bytes',
    etag: tag,
    'content-length': String(end - start + 1),
  });
  if (range !== undefined) reply.status(206).header('content-range', `bytes ${start}-${end}/${bytes}`);
  return bytes === 0 ? undefined : () => handle.createReadStream({ start, end });
}

function disposition({ fileName }: ValidationRun, format: ReportFormat): string {
  const name = `${fileName.replace(/\.[A-Za-z0-9]{1,5}$/, '')}-report.${format}`;
  const plain = name.replace(/[^A-Za-z0-9._-]+/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
