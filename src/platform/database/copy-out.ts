import { PgDialect } from 'drizzle-orm/pg-core';
import type { SQL } from 'drizzle-orm';
import type { Readable } from 'node:stream';
import { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';

/** The options of a COPY, as PostgreSQL writes them. */
export type CopyOptions = string;

/** The rows of a query, as PostgreSQL itself writes them. */
export interface CopiedRows {
  readonly bytes: Readable;
  /** How many rows the planner expects. */
  readonly expectedRows: number;
  /** How many there were; right once all bytes are read. */
  readonly rows: () => number;
}

const dialect = new PgDialect();

/**
 * Streams `COPY (query) TO STDOUT` on a connection of its own and hands the rows to `take`, in memory that does not
 * grow with them. The connection ends with `take`, and with the signal, wherever the query is.
 * The query must hold no parameters: COPY takes none. Rejects with the errors of PostgreSQL.
 */
export async function copyOut<T>(
  connectionString: string,
  query: SQL,
  options: CopyOptions,
  signal: AbortSignal,
  take: (rows: CopiedRows) => Promise<T>,
): Promise<T> {
  const { sql: statement, params } = dialect.sqlToQuery(query);
  if (params.length > 0)
    throw new Error('A query for COPY takes no parameters: write its values as literals.');
  const client = new Client({
    connectionString,
    application_name: 'holdfast-export',
    connectionTimeoutMillis: 2_000,
    keepAlive: true,
  });
  // Whatever runs on the client fails with the same error.
  client.on('error', () => undefined);
  const end = () => void client.end().catch(() => undefined);
  signal.throwIfAborted();
  signal.addEventListener('abort', end, { once: true });
  try {
    await client.connect();
    await prepare(client);
    const expectedRows = await expectedRowsOf(client, statement);
    const bytes = client.query(copyTo(`COPY (${statement}) TO STDOUT WITH (${options})`));
    return await take({ bytes, expectedRows, rows: () => bytes.rowCount });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
    await client.end().catch(() => undefined);
  }
}

async function prepare(client: Client): Promise<void> {
  await client.query(
    `SET default_transaction_read_only = on; SET statement_timeout = 0; SET TimeZone = 'UTC'; SET jit = off`,
  );
  // Lets a server that sorts notice that nobody waits for it any more; some systems cannot.
  await client.query('SET client_connection_check_interval = 1000').catch(() => undefined);
}

async function expectedRowsOf(client: Client, statement: string): Promise<number> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    `EXPLAIN (FORMAT JSON) ${statement}`,
  );
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}
