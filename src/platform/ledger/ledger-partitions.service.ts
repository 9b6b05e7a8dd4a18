import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { Settings } from '../../config/settings';
import { Database, type Transaction } from '../database/database.service';
import { Leader } from '../leader/leader.service';
import { QueueRegistry } from '../queue/queue-registry.service';

const DAY_MS = 86_400_000;
const DAYS_AHEAD = 2;
const INTERVAL_MS = 60_000;
const DELETE_BATCH = 5_000;
const MAX_DELETE_BATCHES = 20;

// Any number will do, as long as every process of every version takes the same.
const LOCK_KEY = 4_867_654;

const tables = [
  { table: 'ledger_jobs', day: 'created_at' },
  { table: 'ledger_attempts', day: 'job_created_at' },
] as const;

/**
 * The ledger's tables by day: made ahead, and dropped whole when their retention is over.
 * What has no day of its own, such as a job that waited for months, is in the partition `…_rest`.
 */
@Injectable()
export class LedgerPartitions implements OnApplicationBootstrap {
  private readonly logger = new Logger('Ledger');
  private readonly made = new Set<string>();

  constructor(
    private readonly database: Database,
    private readonly leader: Leader,
    private readonly registry: QueueRegistry,
    private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('ledger-retention', INTERVAL_MS, () => this.sweep());
  }

  /** Makes the partitions of the days that these times fall into, where retention still lets them stand. */
  async ensure(times: Iterable<number>, now = Date.now()): Promise<void> {
    const earliest = dayOf(now - this.retentionMs) + DAY_MS;
    const latest = dayOf(now) + DAYS_AHEAD * DAY_MS;
    const days = new Set<number>();
    for (const time of times) days.add(dayOf(time));
    for (const day of days) {
      if (day < earliest || day > latest || this.made.has(nameOf(day))) continue;
      for (const { table, day: column } of tables) {
        await this.database.transaction((transaction) => makePartition(transaction, table, column, day));
      }
      this.made.add(nameOf(day));
    }
  }

  /** Makes partitions ahead, drops those that are too old, and takes away what a queue has too many of. */
  async sweep(now = Date.now()): Promise<void> {
    if (!this.database.isSchemaReady) return;
    await this.ensure([now - DAY_MS, now, now + DAY_MS, now + DAYS_AHEAD * DAY_MS], now);
    await this.dropOld(now);
    const limit = new Date(now - this.retentionMs).toISOString();
    await this.deleteInBatches(sql`SELECT tableoid, ctid FROM ledger_jobs_rest WHERE finished_at < ${limit}`);
    for (const { definition } of this.registry.all()) await this.trimQueue(definition.name);
  }

  private get retentionMs(): number {
    return this.settings.LEDGER_RETENTION_DAYS * DAY_MS;
  }

  private async dropOld(now: number): Promise<void> {
    const limit = now - this.retentionMs;
    const { rows } = await this.database.query.execute<{ name: string }>(sql`
      SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
      WHERE inhparent = 'ledger_jobs'::regclass AND relname ~ '^ledger_jobs_[0-9]{8}$'`);
    for (const { name } of rows) {
      const suffix = name.slice('ledger_jobs_'.length);
      const day = Date.parse(suffix.replace(/(....)(..)(..)/, '$1-$2-$3'));
      if (!(day + DAY_MS <= limit)) continue;
      await this.database.transaction((transaction) => dropPartition(transaction, suffix, limit));
      this.made.delete(suffix);
      this.logger.log(`The history of ${suffix} is beyond its retention and was dropped`);
    }
  }

  /** Takes the oldest ended jobs of a queue away, beyond the rows that it may have; their attempts go with their day. */
  private async trimQueue(queue: string): Promise<void> {
    const { rows } = await this.database.query.execute<{ limit: string }>(sql`
      SELECT created_at AS limit FROM ledger_jobs WHERE queue = ${queue}
      ORDER BY created_at DESC OFFSET ${this.settings.LEDGER_ROWS_PER_QUEUE} LIMIT 1`);
    const limit = rows[0]?.limit;
    if (limit === undefined) return;
    await this.deleteInBatches(sql`
      SELECT tableoid, ctid FROM ledger_jobs
      WHERE queue = ${queue} AND created_at <= ${limit} AND finished_at IS NOT NULL`);
  }

  private async deleteInBatches(selection: ReturnType<typeof sql>): Promise<void> {
    for (let batch = 0; batch < MAX_DELETE_BATCHES; batch += 1) {
      const { rowCount } = await this.database.query.execute(sql`
        DELETE FROM ledger_jobs WHERE (tableoid, ctid) IN (${selection} LIMIT ${DELETE_BATCH})`);
      if ((rowCount ?? 0) < DELETE_BATCH) break;
    }
  }
}

/** A day's partition takes over what the rest holds of that day, which PostgreSQL would refuse otherwise. */
async function makePartition(
  transaction: Transaction,
  table: string,
  column: string,
  day: number,
): Promise<void> {
  const name = `${table}_${nameOf(day)}`;
  await transaction.execute(sql`SELECT pg_advisory_xact_lock(${LOCK_KEY})`);
  const { rows } = await transaction.execute<{ found: string | null }>(
    sql`SELECT to_regclass(${name}) AS found`,
  );
  if (rows[0]?.found !== null) return;
  const from = new Date(day).toISOString();
  const to = new Date(day + DAY_MS).toISOString();
  await transaction.execute(
    sql.raw(`
      CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS);
      WITH moved AS (
        DELETE FROM ${table}_rest WHERE ${column} >= '${from}' AND ${column} < '${to}' RETURNING *
      ) INSERT INTO ${name} SELECT * FROM moved;
      ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${from}') TO ('${to}');`),
  );
}

/** Drops a day, except for jobs that have not ended, or ended later than the limit: those move to the rest. */
async function dropPartition(transaction: Transaction, suffix: string, limit: number): Promise<void> {
  await transaction.execute(sql`SELECT pg_advisory_xact_lock(${LOCK_KEY})`);
  const keep = `finished_at IS NULL OR finished_at >= '${new Date(limit).toISOString()}'`;
  await transaction.execute(
    sql.raw(`
      ALTER TABLE ledger_attempts DETACH PARTITION ledger_attempts_${suffix};
      ALTER TABLE ledger_jobs DETACH PARTITION ledger_jobs_${suffix};
      INSERT INTO ledger_attempts SELECT * FROM ledger_attempts_${suffix} held WHERE EXISTS (
        SELECT FROM ledger_jobs_${suffix} job
        WHERE job.id = held.job_id AND job.created_at = held.job_created_at AND (${keep})
      );
      INSERT INTO ledger_jobs SELECT * FROM ledger_jobs_${suffix} WHERE ${keep};
      DROP TABLE ledger_attempts_${suffix}, ledger_jobs_${suffix};`),
  );
}

function dayOf(time: number): number {
  return Math.floor(time / DAY_MS) * DAY_MS;
}

function nameOf(day: number): string {
  return new Date(day).toISOString().slice(0, 10).replaceAll('-', '');
}
