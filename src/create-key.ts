import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readSettings, SettingsError } from './config/read-settings';
import type { Settings } from './config/settings';
import type { AuditEntry } from './platform/audit/audit-entry';
import { AuditLog } from './platform/audit/audit-log.service';
import { auditMigrations } from './platform/audit/audit.module';
import { newKeyId, newSecret, writeKey } from './platform/auth/api-key';
import { ApiKeyStore, type NewApiKey } from './platform/auth/api-key.store';
import { authMigrations } from './platform/auth/auth-stores.module';
import { KeyWishError, keyWish } from './platform/auth/key-wish';
import { DatabaseUnavailableError } from './platform/database/database-unavailable.error';
import { Database } from './platform/database/database.service';
import { PrivateStoreError } from './platform/private-stores/private-store-error';
import { openPrivateStores } from './platform/private-stores/private-stores';

const USAGE =
  'Usage: npm run keys:create -- --role viewer|producer|operator|admin [--name <text>] [--tenant <name>]' +
  ' [--expires <90d or a date>] [--requests-per-second <n>] [--jobs-per-minute <n>] [--queue <name>]… [--grant <permission or permission@queue>]…';

const note = (line: string): void => void process.stderr.write(`${line}\n`);

/** Makes a key in the database of the settings, or in the private one of this machine, and prints it once. */
async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const wish = keyWish(givenOptions());
  const settings = readSettings(process.env);
  const stores = await openPrivateStores({
    home: settings.home,
    redis: false,
    database: settings.DATABASE_URL === undefined,
    log: note,
  });
  try {
    if (stores.databaseUrl !== undefined) settings.DATABASE_URL = stores.databaseUrl;
    process.stdout.write(`${await create(settings, wish)}\n`);
  } finally {
    await stores.close();
  }
  note(
    'This is the only time the key is shown. Send it as "Authorization: Bearer <key>", or log in at /ui/login.',
  );
  note(
    'A server that ran without a key is closed within seconds; to be reached from other machines it has to be restarted.',
  );
}

function givenOptions() {
  const one = { type: 'string' } as const;
  const many = { type: 'string', multiple: true } as const;
  try {
    const options = { role: one, name: one, tenant: one, expires: one, queue: many, grant: many };
    const limits = { 'requests-per-second': one, 'jobs-per-minute': one };
    return parseArgs({ options: { ...options, ...limits }, strict: true }).values;
  } catch (error) {
    throw new KeyWishError((error as Error).message);
  }
}

async function create(settings: Settings, wish: Omit<NewApiKey, 'kid' | 'createdBy'>): Promise<string> {
  Logger.overrideLogger(false);
  const database = new Database(settings, [authMigrations, auditMigrations]);
  try {
    await database.onApplicationBootstrap();
    const kid = newKeyId();
    const secret = newSecret();
    await new ApiKeyStore(database).create({ ...wish, kid, createdBy: 'command line' }, secret);
    await new AuditLog(settings, database).append([{ entry: entryOf(kid, wish) }]);
    return writeKey({ kid, secret });
  } finally {
    await database.onApplicationShutdown();
  }
}

function entryOf(kid: string, { role, tenant }: Omit<NewApiKey, 'kid' | 'createdBy'>): AuditEntry {
  return {
    at: Date.now(),
    tenant,
    actor: `command line (user ${process.getuid?.() ?? 'unknown'})`,
    role: null,
    origin: 'command line',
    action: 'keys.create',
    target: kid,
    reason: null,
    detail: JSON.stringify({ kid, role, tenant }),
    outcome: 'done',
    status: null,
    requestId: randomUUID(),
  };
}

main().catch((error: unknown) => {
  if (error instanceof DatabaseUnavailableError) {
    note('No key was made: the database cannot be reached. Start it, or correct DATABASE_URL.');
    process.exitCode = 1;
    return;
  }
  const isUsage = error instanceof KeyWishError;
  const isPlain = [SettingsError, PrivateStoreError].some((plain) => error instanceof plain);
  note(isUsage ? `${error.message}\n${USAGE}` : isPlain ? (error as Error).message : String(error));
  process.exitCode = isUsage ? 2 : 1;
});
