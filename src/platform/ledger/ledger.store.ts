import { Injectable } from '@nestjs/common';
import { sql, type SQL } from 'drizzle-orm';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database } from '../database/database.service';
import { pgJson } from './ledger-json';
import type { LedgerAttemptRow, LedgerRow } from './ledger-row';
import type { JobKey } from '../queue/job-sets.service';

export interface LedgerBatch {
  readonly jobs: readonly LedgerRow[];
  readonly attempts: readonly LedgerAttemptRow[];
}

export interface LedgerCursor {
  readonly source: string;
  readonly position: string;
}

export interface UnsettledJob {
  readonly id: string;
  readonly queue: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

// All that may change while a job lives; the rest is said when it is added.
const changing = [
  'state',
  'priority',
  'run_at',
  'started_at',
  'finished_at',
  'wait_ms',
  'run_ms',
  'attempts_made',
  'attempts_max',
  'starts',
  'worker',
  'error_group',
  'error_name',
  'error_message',
  'result',
  'result_omitted',
  'terms',
  'generation',
  'version',
  'observed_at',
] as const;
const assignments = changing.map((column) => `"${column}" = EXCLUDED."${column}"`).join(', ');

const PUT_JOBS = sql.raw(`
  ON CONFLICT (id, created_at) DO UPDATE SET ${assignments}
  WHERE ledger_jobs.observed_at <= EXCLUDED.observed_at
    AND (ledger_jobs.state, ledger_jobs.starts, ledger_jobs.attempts_made, ledger_jobs.generation,
         ledger_jobs.priority, ledger_jobs.run_at, ledger_jobs.started_at, ledger_jobs.finished_at)
        IS DISTINCT FROM
        (EXCLUDED.state, EXCLUDED.starts, EXCLUDED.attempts_made, EXCLUDED.generation,
         EXCLUDED.priority, EXCLUDED.run_at, EXCLUDED.started_at, EXCLUDED.finished_at)`);

/** Rows into the ledger, and what it knows of its own progress. Rejects with the errors of PostgreSQL. */
@Injectable()
export class LedgerStore {
  constructor(private readonly database: Database) {}

  /** Whether there is a schema to write to; says nothing about the server being there now. */
  get isReady(): boolean {
    return this.database.isSchemaReady;
  }

  /**
   * Writes the batch and moves the cursors in one transaction. A row that PostgreSQL does not take is left out,
   * and told to `onRefused`, so that it does not stand in the way of the others.
   */
  async put(
    batch: LedgerBatch,
    cursors: readonly LedgerCursor[],
    onRefused: (row: LedgerRow, error: Error) => void,
  ): Promise<void> {
    try {
      await this.putAll(batch, cursors);
    } catch (error) {
      if (isDatabaseAway(error) || !isRefusal(error)) throw error;
      await this.putHalves(batch, onRefused, error as Error);
      await this.putAll({ jobs: [], attempts: [] }, cursors);
    }
  }

  async cursors(): Promise<Map<string, string>> {
    const { rows } = await this.database.query.execute<{ source: string; position: string }>(
      sql`SELECT source, position FROM ledger_cursors`,
    );
    return new Map(rows.map(({ source, position }) => [source, position]));
  }

  /** Those of the keys whose final state the ledger does not hold. */
  async missing(keys: readonly JobKey[]): Promise<Set<string>> {
    if (keys.length === 0) return new Set();
    const { rows } = await this.database.query.execute<{ id: string }>(sql`
      SELECT asked.id
      FROM unnest(${list(keys.map(({ id }) => id))}::text[], ${list(keys.map(({ createdAt }) => iso(createdAt)))}::timestamptz[],
                  ${list(keys.map(({ finishedAt }) => iso(finishedAt)))}::timestamptz[]) AS asked (id, created_at, finished_at)
      WHERE NOT EXISTS (
        SELECT FROM ledger_jobs held
        WHERE held.id = asked.id AND held.created_at = asked.created_at AND held.finished_at = asked.finished_at
      )`);
    return new Set(rows.map(({ id }) => id));
  }

  /** Jobs that are not known to have ended, and that nobody has looked at since `before`, the longest first. */
  async unsettled(before: number, limit: number): Promise<UnsettledJob[]> {
    const { rows } = await this.database.query.execute<{ id: string; queue: string; created: string }>(sql`
      SELECT id, queue, (extract(epoch FROM created_at) * 1000)::bigint AS created FROM ledger_jobs
      WHERE finished_at IS NULL AND observed_at < ${before}
      ORDER BY observed_at LIMIT ${limit}`);
    return rows.map(({ id, queue, created }) => ({ id, queue, createdAt: Number(created) }));
  }

  /** Notes that the jobs were looked at, and are as the ledger has them. */
  async touch(jobs: readonly UnsettledJob[], observedAt: number): Promise<void> {
    await this.change(jobs, sql`observed_at = greatest(observed_at, ${observedAt})`);
  }

  /** Ends the rows of jobs that Redis has no more; whoever can tell more about it may still do so. */
  async vanish(jobs: readonly UnsettledJob[], at: number, reason: string): Promise<void> {
    await this.change(jobs, vanished(at, reason));
  }

  /** As {@link vanish}, for every life of these ids. */
  async vanishIds(ids: readonly string[], at: number, reason: string): Promise<void> {
    if (ids.length === 0) return;
    await this.database.query.execute(sql`
      UPDATE ledger_jobs SET ${vanished(at, reason)}
      WHERE id = ANY (${list(ids)}::text[]) AND finished_at IS NULL AND observed_at <= ${at}`);
  }

  private async change(jobs: readonly UnsettledJob[], change: SQL): Promise<void> {
    if (jobs.length === 0) return;
    await this.database.query.execute(sql`
      UPDATE ledger_jobs held SET ${change}
      FROM unnest(${list(jobs.map(({ id }) => id))}::text[],
                  ${list(jobs.map(({ createdAt }) => iso(createdAt)))}::timestamptz[]) AS asked (id, created_at)
      WHERE held.id = asked.id AND held.created_at = asked.created_at AND held.finished_at IS NULL`);
  }

  private async putAll({ jobs, attempts }: LedgerBatch, cursors: readonly LedgerCursor[]): Promise<void> {
    await this.database.transaction(async (transaction) => {
      if (jobs.length > 0) {
        await transaction.execute(
          sql`INSERT INTO ledger_jobs SELECT * FROM json_populate_recordset(NULL::ledger_jobs, ${pgJson(jobs)}::json) ${PUT_JOBS}`,
        );
      }
      if (attempts.length > 0) {
        await transaction.execute(
          sql`INSERT INTO ledger_attempts SELECT * FROM json_populate_recordset(NULL::ledger_attempts, ${pgJson(attempts)}::json) ON CONFLICT DO NOTHING`,
        );
      }
      if (cursors.length > 0) {
        await transaction.execute(
          sql`INSERT INTO ledger_cursors SELECT * FROM json_populate_recordset(NULL::ledger_cursors, ${pgJson(cursors)}::json) ON CONFLICT (source) DO UPDATE SET position = EXCLUDED.position`,
        );
      }
    });
  }

  private async putHalves(
    { jobs, attempts }: LedgerBatch,
    onRefused: (row: LedgerRow, error: Error) => void,
    error: Error,
  ): Promise<void> {
    const [only, ...others] = jobs;
    if (only === undefined) return;
    if (others.length === 0) {
      onRefused(only, error);
      return;
    }
    const middle = Math.ceil(jobs.length / 2);
    for (const part of [jobs.slice(0, middle), jobs.slice(middle)]) {
      const ids = new Set(part.map(({ id }) => id));
      const half = { jobs: part, attempts: attempts.filter(({ job_id }) => ids.has(job_id)) };
      await this.put(half, [], onRefused);
    }
  }
}

// Classes 22 and 23: data that PostgreSQL does not take; 54: a text too long for an index.
function isRefusal(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as NodeJS.ErrnoException;
    if (typeof code === 'string' && /^(22|23|54)\w{3}$/.test(code)) return true;
  }
  return false;
}

function vanished(at: number, reason: string): SQL {
  return sql`state = 'removed', finished_at = ${iso(at)}::timestamptz, error_name = 'JobVanished', error_message = ${reason}`;
}

// drizzle turns an array into a list of parameters; PostgreSQL's own array is one.
function list(values: readonly string[]) {
  return sql.param(values);
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
