import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { attachment, fileHeaders, sendFile, streamOnce } from '../../platform/files/send-file';
import { FileStorage } from '../../platform/storage/file-storage.service';
import type { OpenedFile } from '../../platform/storage/blob-store';
import { reportOf } from '../../workloads/validation/validation-files';
import { reportAsJson } from '../../workloads/validation/validation-report';
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
    reply.header('vary', 'accept');
    const saveAs = `${run.fileName.replace(/\.[A-Za-z0-9]{1,5}$/, '')}-report.${format}`;
    if (format === 'json') return sendJson(file, saveAs, request, reply);
    const tag = `${run.id}.${run.attempt}`;
    return sendFile(file, { type: 'text/csv; charset=utf-8', tag, saveAs }, request, reply);
  }
}

/** Made while it is sent, so that nobody knows its length beforehand. */
async function sendJson(
  file: OpenedFile,
  saveAs: string,
  { method }: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  reply.type('application/json; charset=utf-8').headers({
    ...fileHeaders,
    'content-disposition': attachment(saveAs),
  });
  if (method === 'HEAD') {
    await file.close();
    void reply.send(Readable.from([]));
    return;
  }
  const rows = reportAsJson(streamOnce(file, { highWaterMark: JSON_PIECE_BYTES }));
  void reply.send(Readable.from(rows, { objectMode: false }));
}
