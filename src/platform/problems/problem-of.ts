import { HttpException } from '@nestjs/common';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { QueueFullError, StorageUnsafeError } from '../memory/admission-refusal.error';
import { FlowMemberError } from '../flows/flow-guards.service';
import { JobKeyConflictError, PriorityRefusedError, UnknownJobError } from '../queue/add-job';
import { UnknownJobTypeError } from '../queue/job-dispatcher.service';
import { PayloadInvalidError, type FieldError } from '../queue/job-payload';
import { EnqueueOutcomeUnknownError } from '../queue/store-jobs';
import { isAway, isOutcomeUnknown, RedisUnavailableError, refusalOf } from '../redis/redis-unavailable.error';
import { StorageAwayError } from '../storage/storage-away.error';
import { Problem } from './problem';
import { problem, problemCatalogue, type ProblemCode } from './problem-catalogue';

const MAX_CAUSES = 5;
const fileStorageAway = {
  title: 'The file storage cannot be reached',
  detail: 'Nothing was stored. Try again; /health says when the storage is back.',
};
const MAX_DETAIL_LENGTH = 500;

/** Turns anything thrown into the problem to answer with; what is not recognised is `internal_error`. */
export function problemOf(error: unknown, isSafeMethod = true): Problem {
  if (error instanceof Problem) return error;
  return (
    problemOfJob(error) ?? problemOfRequest(error) ?? problemOfStore(error, isSafeMethod) ?? internal(error)
  );
}

/** The answer to a payload that breaks its class; `prefix` is the pointer to the payload within the body. */
export function payloadProblem(error: PayloadInvalidError, prefix = '#/data'): Problem {
  const errors = error.errors.map((one) => ({ ...one, pointer: `${prefix}${one.pointer}` }));
  return (
    unknownFields(errors) ??
    problem('job_payload_invalid', {
      title: `The payload does not match ${error.jobType}`.slice(0, 200),
      detail: countOf(errors),
      errors,
    })
  );
}

/** A 400 that names the fields no class knows, or nothing when all are known. */
export function unknownFields(errors: readonly FieldError[]): Problem | undefined {
  const unknown = errors
    .filter(({ code }) => code === 'whitelistValidation')
    .map(({ pointer }) => ({ pointer, detail: 'does not exist', code: 'unknown_field' }));
  return unknown.length === 0
    ? undefined
    : problem('unknown_field', { detail: countOf(unknown), errors: unknown });
}

/** "1 field is wrong", for the detail of an answer whose errors say the rest. */
export function countOf(errors: readonly FieldError[]): string {
  return errors.length === 1 ? '1 field is wrong.' : `${errors.length} fields are wrong.`;
}

function problemOfJob(error: unknown): Problem | undefined {
  if (error instanceof PayloadInvalidError) return payloadProblem(error);
  if (error instanceof UnknownJobTypeError || error instanceof UnknownJobError) {
    return problem('job_type_unknown', { detail: error.message.slice(0, MAX_DETAIL_LENGTH) }, error);
  }
  if (error instanceof PriorityRefusedError) {
    const errors = [{ pointer: '#/options/priority', detail: 'must be "normal"', code: 'priority_refused' }];
    return problem('priority_refused', { detail: error.message, errors }, error);
  }
  if (error instanceof QueueFullError) {
    const headers = { 'retry-after': String(error.retryAfterSeconds) };
    return problem('queue_full', { detail: error.message, headers }, error);
  }
  if (error instanceof StorageUnsafeError) {
    return problem('storage_degraded', { detail: error.message }, error);
  }
  if (error instanceof FlowMemberError) {
    return problem('flow_member', { detail: error.message, members: { flowId: error.flow } }, error);
  }
  if (error instanceof JobKeyConflictError) {
    return problem('job_key_conflict', { detail: error.message, members: { jobId: error.holder } }, error);
  }
  return undefined;
}

const byStatus: Readonly<Record<number, ProblemCode>> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'request_timeout',
  409: 'conflict',
  410: 'gone',
  412: 'precondition_failed',
  413: 'payload_too_large',
  414: 'path_too_long',
  415: 'unsupported_media_type',
  417: 'expectation_failed',
  422: 'validation_failed',
  429: 'rate_limited',
  431: 'headers_too_large',
  500: 'internal_error',
  501: 'not_implemented',
  503: 'service_unavailable',
  504: 'gateway_timeout',
  507: 'disk_full',
};

const byErrorCode: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_BAD_URL: 'url_malformed',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request_aborted',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  ERR_STREAM_PREMATURE_CLOSE: 'request_aborted',
};

function problemOfRequest(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' && error.message === 'aborted') return problem('request_aborted', {}, error);
  if (error instanceof HttpException) return problemOfHttpException(error);
  const known = byErrorCode[code];
  if (known !== undefined) return problem(known, {}, error);
  const { statusCode } = error as { statusCode?: unknown };
  if (!code.startsWith('FST_') || typeof statusCode !== 'number' || statusCode >= 500) return undefined;
  return problem(byStatus[statusCode] ?? 'bad_request', {}, error);
}

function problemOfHttpException(error: HttpException): Problem {
  const status = error.getStatus();
  // Fastify's refusals arrive as the cause of Nest's exception, and tell more than its status.
  if (error.cause instanceof Error) {
    const { code = '' } = error.cause as NodeJS.ErrnoException;
    return problem(byErrorCode[code] ?? byStatus[status] ?? 'bad_request', {}, error);
  }
  if (status === 404 && error.message.startsWith('Cannot ')) return problem('route_not_found', {}, error);
  if (status >= 500) return problem(byStatus[status] ?? 'internal_error', {}, error);
  const code = byStatus[status] ?? 'bad_request';
  const isDefaultText = error.message === error.constructor.name || error.message === '';
  return problem(
    code,
    {
      ...(byStatus[status] === undefined && { status }),
      ...(!isDefaultText && { detail: error.message.slice(0, MAX_DETAIL_LENGTH) }),
    },
    error,
  );
}

function problemOfStore(error: unknown, isSafeMethod: boolean): Problem | undefined {
  const chain = causesOf(error);
  if (chain.some((one) => one instanceof StorageAwayError)) {
    return problem('storage_unavailable', fileStorageAway, error);
  }
  if (chain.some(isDiskFull)) return problem('disk_full', {}, error);
  if (isQueryError(error)) {
    return isDatabaseAway(error) || chain.some(isAway)
      ? problem('database_unavailable', {}, error)
      : undefined;
  }
  const isRedis = chain.some((one) => one instanceof RedisUnavailableError);
  if (!isRedis && isDatabaseAway(error)) return problem('database_unavailable', {}, error);
  if (chain.some((one) => one instanceof EnqueueOutcomeUnknownError)) {
    return problem('enqueue_outcome_unknown', {}, error);
  }
  if (error instanceof RedisUnavailableError) return problem('storage_unavailable', {}, error);
  if (!chain.some(isAway)) return undefined;
  if (!isSafeMethod && chain.some(isOutcomeUnknown)) return problem('enqueue_outcome_unknown', {}, error);
  return refused(
    chain.map(refusalOf).find((word) => word !== undefined),
    error,
  );
}

// Redis says in one word of its reply what is the matter; the rest names scripts and keys, and is for the log only.
const refusals: Readonly<Record<string, readonly [code: ProblemCode, detail: string]>> = {
  OOM: ['queue_full', 'Nothing was stored: Redis has reached the memory it may use.'],
  READONLY: [
    'storage_degraded',
    'Nothing was stored: this Redis only follows another one: point the settings at the primary.',
  ],
  NOREPLICAS: [
    'storage_degraded',
    'Nothing was stored: Redis has fewer replicas than min-replicas-to-write.',
  ],
  MISCONF: ['storage_degraded', 'Nothing was stored: Redis cannot save to its disk.'],
  NOAUTH: ['storage_degraded', 'Nothing was stored: Redis wants a password. Set it in REDIS_URL.'],
  WRONGPASS: ['storage_degraded', 'Nothing was stored: Redis refuses the password of the settings.'],
  NOPERM: ['storage_degraded', 'Nothing was stored: the Redis user lacks a right; /health/ready names it.'],
  WRONGTYPE: [
    'storage_degraded',
    'Nothing was stored: a key of the queue is spoiled; /health/ready names it.',
  ],
  LOADING: ['storage_unavailable', 'Nothing was stored: Redis is loading its data.'],
  BUSY: ['storage_unavailable', 'Nothing was stored: Redis is busy with a script.'],
  CLUSTERDOWN: ['storage_unavailable', 'Nothing was stored: the Redis Cluster is down.'],
  MASTERDOWN: ['storage_unavailable', 'Nothing was stored: the primary of this Redis is away.'],
};

function refused(word: string | undefined, error: unknown): Problem {
  const [code, detail] = refusals[word ?? ''] ?? (['storage_unavailable', undefined] as const);
  return problem(code, detail === undefined ? {} : { detail }, error);
}

function isQueryError(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === 'DrizzleQueryError';
}

// 53100 is PostgreSQL's own "disk full".
function isDiskFull(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === '53100';
}

function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let current = error; current instanceof Error && chain.length < MAX_CAUSES; current = current.cause) {
    chain.push(current);
  }
  return chain;
}

function internal(error: unknown): Problem {
  return problem('internal_error', { detail: problemCatalogue.internal_error.advice }, error);
}
