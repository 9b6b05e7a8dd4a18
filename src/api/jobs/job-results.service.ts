import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { problem } from '../../platform/problems/problem-catalogue';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { referenceOf, resultFile, type ResultReference } from '../../platform/results/result-reference';
import { FileStorage, type OpenedFile } from '../../platform/storage/file-storage.service';
import { rangeOf } from '../validations/byte-range';
import { isDone } from './job-body';
import { JobHistory } from './job-history.service';

/** Sends what jobs have returned; large results from the disk, never holding more than a buffer of one. */
@Injectable()
export class JobResults {
  constructor(
    private readonly jobs: JobHistory,
    private readonly storage: FileStorage,
  ) {}

  async send(id: string, tenant: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { job, isResultOmitted } = await this.jobs.read(id, tenant);
    if (!isDone(job)) throw problem('job_not_finished', { detail: `Job ${id} is ${job.state}.` });
    if (job.state !== 'completed')
      throw problem('job_without_result', { detail: `Job ${id} is ${job.state}.` });
    reply.type('application/json; charset=utf-8').headers({
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-cache',
    });
    const reference = referenceOf(id, job.result);
    if (isResultOmitted) throw problem('result_gone');
    if (reference === undefined) void reply.send(JSON.stringify(job.result ?? null));
    else await this.sendStored(job, reference, request, reply);
  }

  private async sendStored(
    { origin }: JobSnapshot,
    reference: ResultReference,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const stored = resultFile(origin.tenant, reference.file);
    const file = stored === undefined ? undefined : await this.storage.open(stored);
    if (file === undefined) throw problem('result_gone');
    let isReading = false;
    try {
      const body = bodyOf(file, reference, request, reply);
      isReading = request.method !== 'HEAD';
      // Fastify keeps the length of an answer to HEAD only when it is given a stream.
      void reply.send(isReading ? body() : Readable.from([]));
    } finally {
      // A stream closes the file itself when it ends, and when its reader goes away.
      if (!isReading) await file.handle.close();
    }
  }
}

function bodyOf(
  { handle, bytes }: OpenedFile,
  { sha256 }: ResultReference,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): () => Readable {
  const tag = `"${sha256}"`;
  const { range: asked, 'if-range': ifRange } = headers;
  const range = ifRange === undefined || ifRange === tag ? rangeOf(asked, bytes) : undefined;
  if (range === 'unsatisfiable') {
    throw problem('range_not_satisfiable', { headers: { 'content-range': `bytes */${bytes}` } });
  }
  const { start, end } = range ?? { start: 0, end: bytes - 1 };
  reply.headers({ 'accept-ranges': 'bytes', etag: tag, 'content-length': String(end - start + 1) });
  if (range !== undefined) reply.status(206).header('content-range', `bytes ${start}-${end}/${bytes}`);
  return () => handle.createReadStream({ start, end });
}
