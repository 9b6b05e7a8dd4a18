import { Injectable } from '@nestjs/common';
import type { JobQuota } from '../../platform/limits/caller-limits.service';
import { problem, type ProblemCode } from '../../platform/problems/problem-catalogue';
import { problemOf } from '../../platform/problems/problem-of';
import { addPrepared, prepareJob } from '../../platform/queue/add-job';
import { PayloadInvalidError, type FieldError } from '../../platform/queue/job-payload';
import type { RegisteredJobType } from '../../platform/queue/queue-registry.service';
import { JOBS_PER_STEP, type PreparedJob, type StoredOutcome } from '../../platform/queue/store-jobs';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { batchProblem, batchRequestOf, errorsOfItem, jobOfItem } from './batch-items';
import type { BatchItemDto, CreatedBatchDto } from './create-batch.dto';
import { JobEnqueuer } from './job-enqueuer.service';
import { addOptionsOf, type Asker } from './job-options';

/** One item that is sound, on its way to its queue. */
interface Sound {
  readonly index: number;
  readonly type: RegisteredJobType;
  readonly job: PreparedJob;
  readonly hasKey: boolean;
}

/** Enqueues up to a thousand jobs of any types in one request. */
@Injectable()
export class BatchEnqueuer {
  constructor(
    private readonly connections: RedisConnections,
    private readonly enqueuer: JobEnqueuer,
  ) {}

  /**
   * Checks all jobs before it stores one; nothing is stored when one is wrong, unless the batch may be partial.
   * Throws 400 or 422 problems, and a 503 that lists each job's outcome when Redis fails on the way.
   */
  async enqueue(body: unknown, asker: Asker, quota: JobQuota): Promise<CreatedBatchDto> {
    this.connections.assertReady();
    const { jobs, isPartial } = batchRequestOf(body);
    const items: BatchItemDto[] = [];
    const wrong: FieldError[] = [];
    const sound: Sound[] = [];
    for (const [index, raw] of jobs.entries()) {
      try {
        sound.push(await this.prepare(index, raw, asker));
      } catch (error) {
        const errors = errorsOfItem(index, atItem(error));
        wrong.push(...errors);
        items[index] = { index, status: 'refused', errors };
      }
    }
    if (wrong.length > 0 && !isPartial) throw batchProblem(wrong);
    await quota(sound.length, '#/jobs');
    const failure = await this.store(sound, items);
    const answer = summaryOf(items);
    if (failure !== undefined) throw storageProblem(failure, answer);
    return answer;
  }

  private async prepare(index: number, raw: unknown, asker: Asker): Promise<Sound> {
    const { type, data, options = {} } = await jobOfItem(raw);
    const known = this.enqueuer.known(type);
    const { definition, queue } = known;
    const wanted = addOptionsOf(options, known, asker);
    const job = await prepareJob(definition, queue, type, data, wanted).catch((error: unknown) => {
      throw error instanceof PayloadInvalidError ? new ItemPayloadError(error) : error;
    });
    return { index, type: known, job, hasKey: options.jobId != null };
  }

  /** Stores step by step, each of one queue; what comes after an error is not tried. Resolves with the error. */
  private async store(sound: readonly Sound[], items: BatchItemDto[]): Promise<unknown> {
    let failure: unknown;
    for (const step of stepsOf(sound)) {
      const { definition, queue } = step[0]!.type;
      if (failure !== undefined) {
        mark(step, items, 'not_stored');
        continue;
      }
      try {
        const outcomes = await addPrepared(
          definition,
          queue,
          step.map(({ job }) => job),
        );
        step.forEach((one, at) => (items[one.index] = itemOf(one, outcomes[at]!)));
      } catch (error) {
        failure = error;
        mark(step, items, problemOf(error).code === 'enqueue_outcome_unknown' ? 'unknown' : 'not_stored');
      }
    }
    return failure;
  }
}

function mark(step: readonly Sound[], items: BatchItemDto[], status: BatchItemDto['status']): void {
  for (const { index, job } of step) items[index] = { index, status, id: job.id };
}

/** A payload's own pointers begin at the payload; those of the request around it do not. */
class ItemPayloadError extends Error {
  constructor(readonly payload: PayloadInvalidError) {
    super(payload.message);
    this.name = 'ItemPayloadError';
  }
}

function atItem(error: unknown): unknown {
  if (error instanceof ItemPayloadError) return error.payload;
  if (!(error instanceof PayloadInvalidError)) return error;
  const errors = error.errors.map((one) => ({
    ...one,
    pointer: `#${one.pointer}`,
    ...(one.code === 'whitelistValidation' && { code: 'unknown_field', detail: 'does not exist' }),
  }));
  return problem('validation_failed', { errors });
}

function stepsOf(sound: readonly Sound[]): Sound[][] {
  const byQueue = new Map<string, Sound[]>();
  for (const one of sound) {
    const { name } = one.type.definition;
    const others = byQueue.get(name);
    if (others === undefined) byQueue.set(name, [one]);
    else others.push(one);
  }
  return [...byQueue.values()].flatMap((jobs) =>
    Array.from({ length: Math.ceil(jobs.length / JOBS_PER_STEP) }, (_, step) =>
      jobs.slice(step * JOBS_PER_STEP, (step + 1) * JOBS_PER_STEP),
    ),
  );
}

function itemOf({ index, job, hasKey }: Sound, { isNew, isConflict }: StoredOutcome): BatchItemDto {
  if (isConflict) {
    const detail = 'belongs to a job with another type or payload';
    const errors = [{ pointer: `#/jobs/${index}/options/jobId`, detail, code: 'job_key_conflict' }];
    return { index, status: 'refused', id: job.id, errors };
  }
  return { index, status: isNew || !hasKey ? 'accepted' : 'deduplicated', id: job.id };
}

function summaryOf(items: readonly BatchItemDto[]): CreatedBatchDto {
  const count = (status: BatchItemDto['status']) => items.filter((item) => item.status === status).length;
  return {
    accepted: count('accepted'),
    deduplicated: count('deduplicated'),
    refused: count('refused'),
    items: [...items],
  };
}

/** Some of the batch may be stored; "items" says which, and by their ids the same request can be sent again. */
function storageProblem(error: unknown, answer: CreatedBatchDto) {
  const { code, detail, headers } = problemOf(error, false);
  const stored = answer.accepted + answer.deduplicated;
  return problem(
    code as ProblemCode,
    {
      detail:
        stored === 0 ? (detail ?? '') : `${stored} of ${answer.items.length} jobs are stored: see "items".`,
      headers,
      members: { ...answer },
    },
    error,
  );
}
