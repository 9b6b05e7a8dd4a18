import { problem } from '../../platform/problems/problem-catalogue';
import { countOf, problemOf, unknownFields } from '../../platform/problems/problem-of';
import { checkPayload, type FieldError } from '../../platform/queue/job-payload';
import { MAX_BATCH_JOBS } from './create-batch.dto';
import { CreateJobDto } from './create-job.dto';

const MAX_ERRORS = 20;
const MAX_ERRORS_OF_ONE = 5;
const members = new Set(['type', 'data', 'options']);

export interface BatchRequest {
  readonly jobs: readonly unknown[];
  readonly isPartial: boolean;
}

/** Reads what a batch is made of; its items are looked at one by one. Throws 400 or 422 problems. */
export function batchRequestOf(body: unknown): BatchRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid({ pointer: '#', detail: 'must be an object', code: 'isObject' });
  }
  const unknown = Object.keys(body).filter((name) => name !== 'jobs' && name !== 'partial');
  if (unknown.length > 0) throw unknownFields(unknown.slice(0, MAX_ERRORS).map(unknownField))!;
  const { jobs, partial } = body as { jobs?: unknown; partial?: unknown };
  if (!Array.isArray(jobs) || jobs.length === 0 || jobs.length > MAX_BATCH_JOBS) {
    const detail = `must be a list of 1 to ${MAX_BATCH_JOBS} jobs`;
    throw invalid({ pointer: '#/jobs', detail, code: 'isArray' });
  }
  if (partial != null && typeof partial !== 'boolean') {
    throw invalid({ pointer: '#/partial', detail: 'must be true or false', code: 'isBoolean' });
  }
  return { jobs, isPartial: partial === true };
}

/** One item of a batch. Throws PayloadInvalidError. */
export async function jobOfItem(item: unknown): Promise<CreateJobDto> {
  // Most items are sound and have no options: those need no look at the decorators of the class.
  return isPlainJob(item) ? item : checkPayload('batch', CreateJobDto, item);
}

function isPlainJob(item: unknown): item is CreateJobDto {
  if (typeof item !== 'object' || item === null) return false;
  const { type, data, options } = item as Partial<Record<keyof CreateJobDto, unknown>>;
  return (
    options === undefined &&
    typeof type === 'string' &&
    type.length >= 1 &&
    type.length <= 100 &&
    typeof data === 'object' &&
    data !== null &&
    !Array.isArray(data) &&
    Object.keys(item).every((name) => members.has(name))
  );
}

/** What is wrong with an item, in pointers of the whole request; throws errors that are not about the item. */
export function errorsOfItem(index: number, error: unknown): FieldError[] {
  const { errors, status, code, detail } = problemOf(error);
  if (status >= 500) throw error;
  const found = errors ?? [{ pointer: '#/type', detail: detail ?? code, code }];
  return found.slice(0, MAX_ERRORS_OF_ONE).map((one) => ({
    ...one,
    pointer: `#/jobs/${index}${one.pointer.slice(1)}`,
  }));
}

/** The answer to a batch of which nothing is stored, because some of it is wrong. */
export function batchProblem(errors: readonly FieldError[]) {
  const shown = errors.slice(0, MAX_ERRORS);
  const unknown = shown.filter(({ code }) => code === 'unknown_field');
  if (unknown.length > 0) return problem('unknown_field', { detail: countOf(unknown), errors: unknown });
  return invalid(...shown);
}

function invalid(...errors: FieldError[]) {
  return problem('validation_failed', { detail: `${countOf(errors)} Nothing was stored.`, errors });
}

function unknownField(name: string): FieldError {
  const pointer = `#/${name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return { pointer, detail: 'does not exist', code: 'whitelistValidation' };
}
