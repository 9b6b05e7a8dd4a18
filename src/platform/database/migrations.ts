import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator';
import { Client } from 'pg';

/** One room's or domain's schema; `name` also names the table that records what was applied. */
export interface MigrationFolder {
  readonly name: string;
  readonly folder: string;
}

export const MIGRATIONS = Symbol('MIGRATIONS');

// Any number will do, as long as every process of every version takes the same.
const LOCK_KEY = 4_867_653;

/** Applies what is missing of each folder, in order; processes that start together wait for one another. */
export async function migrate(connectionString: string, folders: readonly MigrationFolder[]): Promise<void> {
  const client = new Client({
    connectionString,
    application_name: 'holdfast-migrations',
    connectionTimeoutMillis: 2_000,
    statement_timeout: 60_000,
    // Repeated "already exists" notices of drizzle's own table are no news.
    options: '-c client_min_messages=warning',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    for (const { name, folder } of folders) {
      await applyMigrations(drizzle(client), {
        migrationsFolder: folder,
        migrationsSchema: 'holdfast_migrations',
        migrationsTable: name,
      });
    }
  } finally {
    await client.end();
  }
}
