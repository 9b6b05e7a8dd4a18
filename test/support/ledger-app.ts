import type { DynamicModule, Type } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { Client } from 'pg';
import { Settings } from '../../src/config/settings';
import { DatabaseModule } from '../../src/platform/database/database.module';
import { LeaderModule } from '../../src/platform/leader/leader.module';
import { ledgerMigrations, LedgerModule } from '../../src/platform/ledger/ledger.module';
import { startQueueApp } from './queue-app';

/** Queues with the ledger on, on the real Redis and the database given. */
export function startLedgerApp(
  databaseUrl: string,
  queues: (Type | DynamicModule)[],
  overrides: Record<string, string> = {},
): Promise<TestingModule> {
  return startQueueApp([DatabaseModule.forRoot([ledgerMigrations]), LeaderModule, LedgerModule, ...queues], {
    DATABASE_URL: databaseUrl,
    ...overrides,
  });
}

/** Rows of a query on the app's own database, on a connection of its own. */
export async function ledgerRows(
  app: TestingModule,
  statement: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: app.get(Settings).DATABASE_URL });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(statement, values);
    return rows;
  } finally {
    await client.end();
  }
}
