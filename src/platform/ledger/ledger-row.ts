import { createHash } from 'node:crypto';
import type { AttemptRecord } from '../queue/attempt-record';
import type { QueueDefinition } from '../queue/define-queue';
import { declaredJob } from '../queue/define-queue';
import type { JobSnapshot } from '../queue/job-snapshot';
import { describedError } from './error-group';

const MAX_RESULT_BYTES = 4_096;
export const MAX_TERM_CHARACTERS = 200;
const MAX_TERMS = 30;

/** A row of `ledger_jobs` as PostgreSQL reads it from JSON. */
export interface LedgerRow {
  readonly id: string;
  readonly created_at: string;
  readonly tenant: string;
  readonly queue: string;
  readonly type: string;
  readonly key?: string;
  readonly state: string;
  readonly priority: string;
  readonly run_at?: string;
  readonly started_at?: string;
  readonly finished_at?: string;
  readonly wait_ms?: number;
  readonly run_ms?: number;
  readonly attempts_made: number;
  readonly attempts_max: number;
  readonly starts: number;
  readonly worker?: string;
  readonly error_group?: string;
  readonly error_name?: string;
  readonly error_message?: string;
  readonly result?: string;
  readonly result_omitted: boolean;
  readonly terms?: readonly string[];
  readonly caller?: string;
  readonly correlation_id: string;
  readonly generation: number;
  readonly version: number;
  readonly observed_at: number;
}

/** A row of `ledger_attempts`, likewise. */
export interface LedgerAttemptRow {
  readonly job_id: string;
  readonly job_created_at: string;
  readonly start: number;
  readonly at: number;
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly worker?: string;
  readonly version?: string;
  readonly outcome: string;
  readonly cause?: string;
  readonly error_group?: string;
  readonly error_name?: string;
  readonly error_message?: string;
}

/** What the ledger keeps of a job that was read from Redis at `observedAt`; never its payload. */
export function ledgerRow(job: JobSnapshot, definition: QueueDefinition, observedAt: number): LedgerRow {
  const { origin, startedAt, finishedAt, createdAt } = job;
  const firstStart = job.attempts[0]?.startedAt ?? startedAt;
  return {
    id: job.id,
    created_at: iso(createdAt),
    tenant: origin.tenant,
    queue: job.queue,
    type: job.type,
    ...(origin.key !== undefined && { key: origin.key }),
    state: job.state,
    priority: job.priority,
    ...(job.runAt !== undefined && { run_at: iso(job.runAt) }),
    ...(startedAt !== undefined && { started_at: iso(startedAt) }),
    ...(finishedAt !== undefined && { finished_at: iso(finishedAt) }),
    ...(firstStart !== undefined && { wait_ms: between(job.runAt ?? createdAt, firstStart) }),
    ...(startedAt !== undefined && finishedAt !== undefined && { run_ms: between(startedAt, finishedAt) }),
    attempts_made: job.attemptsMade,
    attempts_max: job.attemptsMax,
    starts: job.starts,
    ...(job.worker !== undefined && { worker: job.worker.slice(0, 200) }),
    ...errorColumns(job.failedReason === undefined ? undefined : failureOf(job)),
    ...resultColumns(job),
    ...termsColumn(job, definition),
    ...(origin.caller !== undefined && { caller: origin.caller }),
    correlation_id: origin.correlationId,
    generation: origin.generation ?? 0,
    version: origin.version ?? 1,
    observed_at: observedAt,
  };
}

/** The attempts that a job carries a record of. */
export function attemptRows(job: JobSnapshot): LedgerAttemptRow[] {
  return job.attempts.map((record) => ({
    job_id: job.id,
    job_created_at: iso(job.createdAt),
    start: record.start,
    at: record.endedAt ?? record.startedAt ?? 0,
    ...(record.startedAt !== undefined && { started_at: iso(record.startedAt) }),
    ...(record.endedAt !== undefined && { ended_at: iso(record.endedAt) }),
    ...(record.worker !== undefined && { worker: record.worker.slice(0, 200) }),
    ...(record.version !== undefined && { version: record.version.slice(0, 50) }),
    outcome: record.outcome,
    ...(record.cause !== undefined && { cause: record.cause }),
    ...errorColumns(record.error),
  }));
}

/** The term that a tag is found by. */
export function tagTerm(tag: string): string {
  return `t:${tag}`;
}

/** The term that a searchable payload field is found by; a long value counts by its beginning and its hash. */
export function payloadTerm(field: string, value: string): string {
  const term = `p:${field}=${value}`;
  if (term.length <= MAX_TERM_CHARACTERS) return term;
  const digest = createHash('sha256').update(term).digest('base64url').slice(0, 22);
  return `${term.slice(0, MAX_TERM_CHARACTERS - digest.length - 1)}#${digest}`;
}

/** The tags among the terms of a row. */
export function tagsOf(terms: readonly string[] | null): string[] {
  return (terms ?? []).filter((term) => term.startsWith('t:')).map((term) => term.slice(2));
}

function failureOf({ failedName = 'Error', failedReason = '' }: JobSnapshot): AttemptRecord['error'] {
  return { name: failedName, message: failedReason };
}

function errorColumns(
  error: AttemptRecord['error'],
): Pick<LedgerRow, 'error_group' | 'error_name' | 'error_message'> {
  if (error === undefined) return {};
  const { group, name, message } = describedError(error.name, error.message);
  return { error_group: group, error_name: name, error_message: message };
}

function resultColumns({ state, result }: JobSnapshot): Pick<LedgerRow, 'result' | 'result_omitted'> {
  if (state !== 'completed' || result === null || result === undefined) return { result_omitted: false };
  const json = JSON.stringify(result);
  return Buffer.byteLength(json) > MAX_RESULT_BYTES
    ? { result_omitted: true }
    : { result: json, result_omitted: false };
}

function termsColumn(job: JobSnapshot, definition: QueueDefinition): Pick<LedgerRow, 'terms'> {
  const tags = (job.origin.tags ?? []).map(tagTerm);
  const searchable = declaredJob(definition, job.type)?.searchable ?? [];
  const terms = searchable.length === 0 ? tags : [...tags, ...payloadTerms(job.data, searchable)];
  return terms.length === 0 ? {} : { terms: terms.slice(0, MAX_TERMS) };
}

function payloadTerms(data: string, searchable: readonly string[]): string[] {
  const payload = parsed(data);
  return searchable.flatMap((field) => {
    const value = Object.hasOwn(payload, field) ? payload[field] : undefined;
    return ['string', 'number', 'boolean'].includes(typeof value) ? [payloadTerm(field, String(value))] : [];
  });
}

function parsed(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function between(from: number, to: number): number {
  return Math.max(0, Math.round(to - from));
}

// Years beyond these are no time that PostgreSQL or anybody else takes for one.
const EARLIEST_MS = 0;
const LATEST_MS = Date.UTC(9_999, 0);

function iso(epochMs: number): string {
  const bounded = Number.isFinite(epochMs)
    ? Math.min(LATEST_MS, Math.max(EARLIEST_MS, epochMs))
    : EARLIEST_MS;
  return new Date(bounded).toISOString();
}
