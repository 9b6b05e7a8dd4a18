import { Client } from 'pg';

/** Where a private PostgreSQL listens on 127.0.0.1, and the password of its one user, `holdfast`. */
export interface PostgresAccess {
  port: number;
  password: string;
}

/** The one user and the one database of a private PostgreSQL. */
export const ownName = 'holdfast';

export type PostgresAnswer = 'ready' | 'starting' | 'wrong password' | 'nothing';

const answerDeadlineMs = 5_000;

async function query(access: PostgresAccess, database: string, text: string): Promise<number> {
  const client = new Client({
    host: '127.0.0.1',
    port: access.port,
    user: ownName,
    password: access.password,
    database,
    connectionTimeoutMillis: answerDeadlineMs,
    query_timeout: answerDeadlineMs,
  });
  // A server that dies in the middle rejects the call below as well.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query(text)).rowCount ?? 0;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createOwnDatabase(access: PostgresAccess): Promise<void> {
  const known = await query(access, 'postgres', `SELECT 1 FROM pg_database WHERE datname = '${ownName}'`);
  if (known === 0) await query(access, 'postgres', `CREATE DATABASE ${ownName}`);
}

// https://www.postgresql.org/docs/18/errcodes-appendix.html
const meanings: Record<string, PostgresAnswer> = {
  '28P01': 'wrong password',
  '57P03': 'starting',
  // Too many connections: it lives and knows us.
  '53300': 'ready',
};

/** Asks within some seconds whether the server takes our password; makes our database when it is not there yet. */
export async function askPostgres(access: PostgresAccess): Promise<PostgresAnswer> {
  try {
    await query(access, ownName, 'SELECT 1');
    return 'ready';
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (code !== '3D000') return meanings[code] ?? 'nothing';
    return await createOwnDatabase(access).then(
      () => 'ready' as const,
      () => 'nothing' as const,
    );
  }
}
