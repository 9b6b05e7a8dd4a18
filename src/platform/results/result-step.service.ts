import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { originOf } from '../queue/add-job';
import type { QueueDefinition } from '../queue/define-queue';
import { MAX_RESULT_BYTES, ResultTooLargeError } from '../queue/job-outcome';
import { JobStep } from '../queue/job-step';
import { FileStorage } from '../storage/file-storage.service';
import { resultFile, resultFileName, type ResultReference } from './result-reference';

/** The largest result that is kept at all; beyond it a handler writes a file of its own. */
export const MAX_STORED_RESULT_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;

/** Puts results that are too large for Redis into the storage; the job keeps a reference. */
@Injectable()
export class ResultStep extends JobStep {
  constructor(private readonly storage: FileStorage) {
    super();
  }

  override settle(job: Job, _definition: QueueDefinition, result: unknown): unknown {
    const json = largeJson(result);
    return json === undefined ? result : this.keep(job, result, json);
  }

  private async keep(job: Job, result: unknown, json: Buffer): Promise<unknown> {
    const { id = '', attemptsStarted, processedOn = 0 } = job;
    const name = resultFileName(id, attemptsStarted, processedOn);
    const file = resultFile(originOf(job).tenant, name);
    // A stranger's job may have any id; its result is judged as it is.
    if (file === undefined) return result;
    if (json.length > MAX_STORED_RESULT_BYTES)
      throw new ResultTooLargeError(json.length, MAX_STORED_RESULT_BYTES);
    await this.storage.assertRoomFor(json.length);
    await this.storage.write(file, Readable.from(pieces(json)), MAX_STORED_RESULT_BYTES);
    return {
      stored: true,
      bytes: json.length,
      sha256: createHash('sha256').update(json).digest('hex'),
      contentType: 'application/json',
      file: name,
      link: `/api/queue/jobs/${id}/result`,
    } satisfies ResultReference;
  }
}

/** Undefined for what fits into Redis, and for what is no JSON, which is refused after this. */
function largeJson(result: unknown): Buffer | undefined {
  if (typeof result !== 'string' && (typeof result !== 'object' || result === null)) return undefined;
  let json: string | undefined;
  try {
    json = JSON.stringify(result);
  } catch {
    return undefined;
  }
  if (json === undefined || Buffer.byteLength(json) <= MAX_RESULT_BYTES) return undefined;
  return Buffer.from(json);
}

function* pieces(json: Buffer): Generator<Buffer> {
  for (let at = 0; at < json.length; at += PIECE_BYTES) yield json.subarray(at, at + PIECE_BYTES);
}
