import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { DrizzleQueryError, sql, type SQL } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';
import { Settings } from '../../config/settings';
import { DatabaseUnavailableError } from './database-unavailable.error';
import { MIGRATIONS, migrate, type MigrationFolder } from './migrations';

export type Transaction = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];
type TransactionOptions = Parameters<NodePgDatabase['transaction']>[1];

const MIGRATION_RETRY_MS = 1_000;
const ERROR_LOG_INTERVAL_MS = 10_000;

/** The PostgreSQL pool of this process, and whether its schema is up to date. */
@Injectable()
export class Database implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly pool: Pool;
  private retry?: NodeJS.Timeout;
  private lastErrorLoggedAt = 0;
  private isMigrated = false;
  private closing = false;

  /** Queries through drizzle; each takes a connection of the pool for its own duration. */
  readonly query: Omit<NodePgDatabase, 'transaction'>;

  constructor(
    private readonly settings: Settings,
    @Inject(MIGRATIONS) private readonly migrations: readonly MigrationFolder[],
  ) {
    this.pool = new Pool({
      connectionString: this.connectionString,
      application_name: `holdfast-${settings.ROLE}`,
      max: settings.DATABASE_POOL_SIZE,
      connectionTimeoutMillis: 2_000,
      query_timeout: 10_000,
      statement_timeout: 10_000,
      keepAlive: true,
    });
    // An idle connection that dies is replaced at the next query; without a listener it would end the process.
    this.pool.on('error', (error) => this.logError(error));
    // The pool listens to idle connections only: one that dies between two statements of a transaction
    // fails the next statement, and must not end the process before.
    this.pool.on('connect', (client) => client.on('error', (error: Error) => this.logError(error)));
    this.query = drizzle(this.pool);
  }

  /** For a client that needs a connection of its own, such as a COPY. */
  get connectionString(): string {
    const { DATABASE_URL } = this.settings;
    if (DATABASE_URL === undefined)
      throw new Error('DATABASE_URL is not set: main.ts sets it before the server starts.');
    return DATABASE_URL;
  }

  /** Applies what is missing of the schema; while the database is away it keeps trying in the background. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      await migrate(this.connectionString, this.migrations);
      this.isMigrated = true;
      this.logger.log('The database schema is up to date.');
    } catch (error) {
      this.logError(error as Error);
      if (this.closing) return;
      this.retry = setTimeout(() => void this.onApplicationBootstrap(), MIGRATION_RETRY_MS);
      this.retry.unref();
    }
  }

  get isSchemaReady(): boolean {
    return this.isMigrated;
  }

  /** Throws {@link DatabaseUnavailableError} until the migrations have run. */
  assertReady(): void {
    if (!this.isMigrated) throw new DatabaseUnavailableError('The database is not reachable yet.');
  }

  /** One round trip, in milliseconds. Rejects with {@link DatabaseUnavailableError}. */
  async pingMs(): Promise<number> {
    const startedAt = performance.now();
    try {
      await this.pool.query('SELECT 1');
    } catch (error) {
      throw new DatabaseUnavailableError('The database does not answer.', { cause: error });
    }
    return performance.now() - startedAt;
  }

  /** Runs everything in one transaction on one connection; any error rolls it back. */
  async transaction<T>(
    run: (transaction: Transaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T> {
    // Not drizzle's with a pool: that keeps a connection whose BEGIN has failed for ever.
    const client = await this.pool.connect();
    let isOpen = false;
    try {
      return await drizzle(client).transaction(run, options);
    } catch (error) {
      // Whoever had it next would go on in this transaction.
      isOpen = mayBeOpen(error);
      throw error;
    } finally {
      client.release(isOpen);
    }
  }

  /**
   * Runs one statement as it is written, `$1` and so on in it: for those that run too often to be built each time.
   * It ends by itself unless it is a part of a transaction.
   */
  async statement<Row extends object>(
    text: string,
    values: readonly unknown[],
    transaction?: Transaction,
  ): Promise<readonly Row[]> {
    if (transaction === undefined) return (await this.pool.query<Row>(text, [...values])).rows;
    return (await transaction.execute(written(text, values))).rows as unknown as Row[];
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing = true;
    clearTimeout(this.retry);
    await this.pool.end();
  }

  private logError(error: Error): void {
    const now = Date.now();
    if (this.closing || now - this.lastErrorLoggedAt < ERROR_LOG_INTERVAL_MS) return;
    this.lastErrorLoggedAt = now;
    this.logger.error(`Database error: ${(error.message || error.name).slice(0, 300)}`);
  }
}

/** Whether a transaction may go on in the database, because its begin or its end was not answered. */
function mayBeOpen(error: unknown): boolean {
  return error instanceof DrizzleQueryError && /^(begin|commit|rollback)\b/.test(error.query);
}

/** A statement with its values, as drizzle takes it. */
function written(text: string, values: readonly unknown[]): SQL {
  const parts = text.split(/\$(\d+)/);
  return sql.join(
    parts.map((part, at) => (at % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1])}`)),
  );
}
