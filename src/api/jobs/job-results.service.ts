import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { fileHeaders, sendFile } from '../../platform/files/send-file';
import { problem } from '../../platform/problems/problem-catalogue';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { referenceOf, resultFile, type ResultReference } from '../../platform/results/result-reference';
import { FileStorage } from '../../platform/storage/file-storage.service';
import { isDone } from './job-body';
import { JobHistory } from './job-history.service';

const JSON_TYPE = 'application/json; charset=utf-8';

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
    reply.type(JSON_TYPE).headers(fileHeaders);
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
    return sendFile(file, { type: JSON_TYPE, tag: reference.sha256 }, request, reply);
  }
}
