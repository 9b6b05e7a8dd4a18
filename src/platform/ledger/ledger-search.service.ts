import { Injectable } from '@nestjs/common';
import { sql, type SQL } from 'drizzle-orm';
import { Database, type Transaction } from '../database/database.service';
import { conditionOf, termsOf, type LedgerFilter, type LedgerPosition } from './ledger-filter';
import { columns, ledgerJob, type JobColumns, type LedgerAttempt, type LedgerJob } from './ledger-job';

export interface LedgerPageWish {
  readonly after?: LedgerPosition;
  readonly limit: number;
  readonly include?: { readonly result?: boolean; readonly error?: boolean };
}

export interface LedgerPage {
  /** The newest first. */
  readonly jobs: readonly LedgerJob[];
  /** Where the next page begins; undefined on the last one. */
  readonly next?: LedgerPosition;
  /** Errors older than this were not searched, in epoch milliseconds: the server has no index for their texts. */
  readonly searchedSince?: number;
}

// So few are sorted at once; where there are more, the newest ones are soon found in order of time.
const FEW_HITS = 1_000;
// Without the extension pg_trgm each error's text is compared, the newest first.
const MAX_COMPARED_ERRORS = 50_000;
const MAX_ATTEMPTS = 200;

/** Reads the ledger. Rejects with {@link DatabaseUnavailableError} or the errors of PostgreSQL. */
@Injectable()
export class LedgerSearch {
  private hasTextIndex?: boolean;

  constructor(private readonly database: Database) {}

  /** The newest life of a job, with its error and its result. */
  async read(id: string): Promise<LedgerJob | undefined> {
    this.database.assertReady();
    const { rows } = await this.database.query.execute<JobColumns>(sql`
      SELECT ${sql.raw(columns({ result: true, error: true }))} FROM ledger_jobs
      WHERE id = ${id} ORDER BY created_at DESC LIMIT 1`);
    return rows[0] === undefined ? undefined : ledgerJob(rows[0]);
  }

  /** Those of the ids that the ledger has a life of. */
  async known(ids: readonly string[]): Promise<ReadonlySet<string>> {
    this.database.assertReady();
    const { rows } = await this.database.query.execute<{ id: string }>(sql`
      SELECT DISTINCT id FROM ledger_jobs WHERE id = ANY(${sql.param([...ids])}::text[])`);
    return new Set(rows.map(({ id }) => id));
  }

  /** The recorded attempts of a job's life, in their order; at most 200. */
  async attempts({ id, createdAt }: LedgerPosition): Promise<LedgerAttempt[]> {
    this.database.assertReady();
    const { rows } = await this.database.query.execute<AttemptColumns>(sql`
      SELECT start, (extract(epoch FROM started_at) * 1000)::bigint AS started,
             (extract(epoch FROM ended_at) * 1000)::bigint AS ended,
             worker, version, outcome, cause, error_name, error_message
      FROM ledger_attempts
      WHERE job_id = ${id} AND job_created_at = ${new Date(createdAt).toISOString()}::timestamptz
      ORDER BY at, start LIMIT ${MAX_ATTEMPTS}`);
    return rows.map(attemptOf);
  }

  /** Finds jobs by all that the filter says; one page of them. */
  async find(filter: LedgerFilter, { after, limit, include = {} }: LedgerPageWish): Promise<LedgerPage> {
    this.database.assertReady();
    const since = filter.q === undefined || filter.areErrorsHidden ? undefined : await this.oldestCompared();
    const narrowed = since === undefined ? filter : { ...filter, from: Math.max(since, filter.from ?? 0) };
    const selection = sql`SELECT ${sql.raw(columns(include))} FROM ledger_jobs WHERE ${conditionOf(narrowed, after)}`;
    const rows =
      (termsOf(filter).length > 0 ? await this.findFew(selection, limit + 1) : undefined) ??
      (await this.inOrder(this.database.query, selection, limit + 1));
    const jobs = rows.slice(0, limit).map(ledgerJob);
    const last = jobs.at(-1);
    return {
      jobs,
      ...(rows.length > limit && last !== undefined && { next: { createdAt: last.createdAt, id: last.id } }),
      ...(since !== undefined && { searchedSince: since }),
    };
  }

  private async inOrder(
    on: Pick<Transaction, 'execute'>,
    selection: SQL,
    limit: number,
  ): Promise<JobColumns[]> {
    const { rows } = await on.execute<JobColumns>(
      sql`${selection} ORDER BY ledger_jobs.created_at DESC, ledger_jobs.id DESC LIMIT ${limit}`,
    );
    return rows;
  }

  /**
   * By way of the terms' index alone; undefined where there are more hits than can be sorted at once.
   * PostgreSQL knows how common a term is for the commonest only, and would read a million rows in order
   * of time for one that is rare.
   */
  private findFew(selection: SQL, limit: number): Promise<JobColumns[] | undefined> {
    return this.database.transaction(async (transaction) => {
      await transaction.execute(
        sql`SELECT set_config(name, 'off', true) FROM unnest(ARRAY['enable_seqscan', 'enable_indexscan', 'enable_indexonlyscan']) AS name`,
      );
      const { rows } = await transaction.execute<JobColumns & { found: number }>(sql`
        WITH few AS MATERIALIZED (${selection} LIMIT ${FEW_HITS})
        SELECT few.*, (SELECT count(*)::int FROM few) AS found FROM few
        ORDER BY created_at DESC, id DESC LIMIT ${limit}`);
      return rows[0]?.found === FEW_HITS ? undefined : rows;
    });
  }

  /** From when on error texts can be searched; undefined where there is an index of them. */
  private async oldestCompared(): Promise<number | undefined> {
    this.hasTextIndex ??= await this.findsTextIndex();
    if (this.hasTextIndex) return undefined;
    const { rows } = await this.database.query.execute<{ since: string }>(sql`
      SELECT (extract(epoch FROM created_at) * 1000)::bigint AS since FROM ledger_jobs
      WHERE error_message IS NOT NULL ORDER BY created_at DESC OFFSET ${MAX_COMPARED_ERRORS} LIMIT 1`);
    return rows[0] === undefined ? undefined : Number(rows[0].since);
  }

  private async findsTextIndex(): Promise<boolean> {
    const { rows } = await this.database.query.execute<{ found: string | null }>(
      sql`SELECT to_regclass('ledger_jobs_error_text') AS found`,
    );
    return rows[0]?.found !== null;
  }
}

interface AttemptColumns extends Record<string, unknown> {
  readonly start: number;
  readonly started: string | null;
  readonly ended: string | null;
  readonly worker: string | null;
  readonly version: string | null;
  readonly outcome: string;
  readonly cause: LedgerAttempt['cause'] | null;
  readonly error_name: string | null;
  readonly error_message: string | null;
}

function attemptOf(row: AttemptColumns): LedgerAttempt {
  return {
    start: row.start,
    ...(row.started !== null && { startedAt: Number(row.started) }),
    ...(row.ended !== null && { endedAt: Number(row.ended) }),
    ...(row.worker !== null && { worker: row.worker }),
    ...(row.version !== null && { version: row.version }),
    outcome: row.outcome,
    ...(row.cause !== null && row.cause !== undefined && { cause: row.cause }),
    ...(row.error_message !== null && {
      error: { name: row.error_name ?? 'Error', message: row.error_message },
    }),
  };
}
