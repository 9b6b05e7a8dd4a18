import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { existsSync } from 'node:fs';
import { readSettings, SettingsError } from './config/read-settings';
import type { Settings } from './config/settings';
import { verifyChain, type ChainReport } from './platform/audit/audit-chain';
import { AuditLog } from './platform/audit/audit-log.service';
import { auditMigrations } from './platform/audit/audit.module';
import { DatabaseUnavailableError } from './platform/database/database-unavailable.error';
import { Database } from './platform/database/database.service';
import { PrivateStoreError } from './platform/private-stores/private-store-error';
import { openPrivateStores } from './platform/private-stores/private-stores';
import { RedisConnections } from './platform/redis/redis-connections.service';

const ROWS_PER_READ = 5_000;
const REDIS_PATIENCE_MS = 3_000;

const note = (line: string): void => void process.stderr.write(`${line}\n`);

/** Reads the whole audit and says whether it is as it was written; 0 when it is, 1 when not, 2 when it cannot be read. */
async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings(process.env);
  const stores = await openPrivateStores({
    home: settings.home,
    redis: !settings.hasRedis,
    database: settings.DATABASE_URL === undefined,
    log: note,
  });
  try {
    if (stores.databaseUrl !== undefined) settings.DATABASE_URL = stores.databaseUrl;
    if (stores.redisUrl !== undefined) settings.REDIS_URL = stores.redisUrl;
    const { rows, fault } = await verify(settings);
    process.stdout.write(
      fault === undefined
        ? `The audit is whole: ${rows} rows.\n`
        : `The audit was tampered with, or damaged. ${fault.says}\n`,
    );
    process.exitCode = fault === undefined ? 0 : 1;
  } finally {
    await stores.close();
  }
}

async function verify(settings: Settings): Promise<ChainReport> {
  Logger.overrideLogger(false);
  const database = new Database(settings, [auditMigrations]);
  const connections = new RedisConnections(settings);
  try {
    await database.onApplicationBootstrap();
    const log = new AuditLog(settings, database, connections);
    if (!(await connections.waitUntilReady(REDIS_PATIENCE_MS)))
      note('Redis does not answer: that nothing was cut off at the end is known from PostgreSQL alone.');
    const heads = [await log.head(), await log.headElsewhere()].filter((head) => head !== undefined);
    return await verifyChain((after) => log.list({}, { limit: ROWS_PER_READ, after }), heads);
  } finally {
    await database.onApplicationShutdown();
    await connections.onApplicationShutdown();
  }
}

main().catch((error: unknown) => {
  if (error instanceof DatabaseUnavailableError)
    note('The audit cannot be read: the database cannot be reached. Start it, or correct DATABASE_URL.');
  else {
    const isPlain = [SettingsError, PrivateStoreError].some((plain) => error instanceof plain);
    note(isPlain ? (error as Error).message : String(error));
  }
  process.exitCode = 2;
});
