import type { AttemptRecord } from '../queue/attempt-record';
import type { JobState } from '../queue/job-snapshot';
import type { Priority } from '../queue/priority';
import { tagsOf, type LedgerRow } from './ledger-row';

export type LedgerState = JobState;

export const ledgerStates: readonly LedgerState[] = [
  'waiting',
  'active',
  'delayed',
  'completed',
  'failed',
  'waiting-children',
  'cancelled',
  'removed',
];

/** A job as the ledger has it; times are epoch milliseconds. */
export interface LedgerJob {
  readonly id: string;
  readonly tenant: string;
  readonly queue: string;
  readonly type: string;
  readonly key?: string;
  readonly state: LedgerState;
  readonly priority: Priority;
  readonly createdAt: number;
  readonly runAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** From when it might run to its first start. */
  readonly waitMs?: number;
  /** The newest attempt. */
  readonly runMs?: number;
  readonly attemptsMade: number;
  readonly attemptsMax: number;
  readonly starts: number;
  readonly worker?: string;
  readonly errorGroup?: string;
  readonly error?: { readonly name: string; readonly message: string };
  /** Undefined where it was asked without results, or the result was too large to be kept. */
  readonly result?: unknown;
  readonly isResultOmitted: boolean;
  readonly tags: readonly string[];
  readonly caller?: string;
  readonly correlationId: string;
  readonly generation: number;
  readonly version: number;
}

/** An attempt as the ledger has it; of a job's completing attempt there is no record of its own. */
export type LedgerAttempt = Omit<AttemptRecord, 'outcome'> & { readonly outcome: string };

const times = ['created_at', 'run_at', 'started_at', 'finished_at'] as const;
const plain = [
  'id',
  'tenant',
  'queue',
  'type',
  'key',
  'state',
  'priority',
  'wait_ms',
  'run_ms',
  'attempts_made',
  'attempts_max',
  'starts',
  'worker',
  'error_group',
  'result_omitted',
  'terms',
  'caller',
  'correlation_id',
  'generation',
  'version',
] as const;

/** The columns of a row that {@link ledgerJob} reads; errors and results only where they are wanted. */
export function columns(include: { readonly result?: boolean; readonly error?: boolean }): string {
  return [
    ...plain,
    ...times.map((name) => `(extract(epoch FROM ${name}) * 1000)::bigint AS ${name}`),
    ...(include.error === true ? ['error_name', 'error_message'] : []),
    ...(include.result === true ? ['result'] : []),
  ].join(', ');
}

export type JobColumns = Record<(typeof plain)[number] | (typeof times)[number], never> & {
  readonly error_name?: string | null;
  readonly error_message?: string | null;
  readonly result?: string | null;
};

/** The job in a row of {@link columns}. */
export function ledgerJob(row: JobColumns): LedgerJob {
  const { error_name: name, error_message: message, result } = row;
  return {
    id: row.id,
    tenant: row.tenant,
    queue: row.queue,
    type: row.type,
    ...optional('key', row.key),
    state: row.state,
    priority: row.priority,
    createdAt: Number(row.created_at),
    ...optionalNumber('runAt', row.run_at),
    ...optionalNumber('startedAt', row.started_at),
    ...optionalNumber('finishedAt', row.finished_at),
    ...optionalNumber('waitMs', row.wait_ms),
    ...optionalNumber('runMs', row.run_ms),
    attemptsMade: row.attempts_made,
    attemptsMax: row.attempts_max,
    starts: row.starts,
    ...optional('worker', row.worker),
    ...optional('errorGroup', row.error_group),
    ...(message !== null && message !== undefined && { error: { name: name ?? 'Error', message } }),
    ...(result !== undefined && { result: result === null ? null : (JSON.parse(result) as unknown) }),
    isResultOmitted: row.result_omitted,
    tags: tagsOf(row.terms),
    ...optional('caller', row.caller),
    correlationId: row.correlation_id,
    generation: row.generation,
    version: row.version,
  };
}

/** The job in a row that is not in the database yet. */
export function jobOfRow(row: LedgerRow): LedgerJob {
  const ms = (time: string | undefined) => (time === undefined ? null : String(Date.parse(time)));
  const absent = Object.fromEntries([...plain, 'result', 'error_message'].map((name) => [name, null]));
  return ledgerJob({
    ...absent,
    ...row,
    created_at: ms(row.created_at),
    run_at: ms(row.run_at),
    started_at: ms(row.started_at),
    finished_at: ms(row.finished_at),
  } as never);
}

function optional<K extends string, V>(name: K, value: V | null): { [N in K]?: V } {
  return (value === null ? {} : { [name]: value }) as { [N in K]?: V };
}

function optionalNumber<K extends string>(name: K, value: string | null): { [N in K]?: number } {
  return (value === null ? {} : { [name]: Number(value) }) as { [N in K]?: number };
}
