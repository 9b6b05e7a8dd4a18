import { and, eq, gte, lt, sql, type SQL } from 'drizzle-orm';
import type { DeathCause } from '../queue/death-cause';
import { deadLetters, type DeadLetterStatus } from './dead-letter.tables';

/** Which dead letters are meant; what is left out does not matter. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[];
  readonly jobIds?: readonly string[];
  readonly queue?: string;
  readonly type?: string;
  readonly cause?: DeathCause;
  readonly fingerprint?: string;
  readonly key?: string;
  readonly jobId?: string;
  readonly status?: DeadLetterStatus;
  /** Epoch milliseconds of the death, the first included and the last not. */
  readonly from?: number;
  readonly to?: number;
}

/** The condition of a filter, for every query over dead letters. */
export function conditionsOf(filter: DeadLetterFilter, tenant: string): SQL {
  const { ids, jobIds, queue, type, cause, fingerprint, key, jobId, status, from, to } = filter;
  const conditions: (SQL | undefined)[] = [
    eq(deadLetters.tenant, tenant),
    ids && sql`${deadLetters.id} = ANY(${sql.param([...ids])}::text[])`,
    jobIds && sql`${deadLetters.jobId} = ANY(${sql.param([...jobIds])}::text[])`,
    queue === undefined ? undefined : eq(deadLetters.queue, queue),
    type === undefined ? undefined : eq(deadLetters.type, type),
    cause && eq(deadLetters.cause, cause),
    fingerprint === undefined ? undefined : eq(deadLetters.fingerprint, fingerprint),
    key === undefined ? undefined : eq(deadLetters.key, key),
    jobId === undefined ? undefined : eq(deadLetters.jobId, jobId),
    status && eq(deadLetters.status, status),
    from === undefined ? undefined : gte(deadLetters.finishedAt, from),
    to === undefined ? undefined : lt(deadLetters.finishedAt, to),
  ];
  return and(...conditions)!;
}
