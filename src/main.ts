import './heap-limits';
import './worker-imports';
import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { existsSync } from 'node:fs';
import { readSettings, SettingsError } from './config/read-settings';
import type { Settings } from './config/settings';
import { KeyPresence } from './platform/auth/key-presence.service';
import { keyNotice, NoKeyError } from './platform/auth/listen-address';
import { PrivateStoreError } from './platform/private-stores/private-store-error';
import { flushLogs } from './platform/logging/log-output';
import { logStrayRejections } from './platform/logging/stray-rejections';
import { collectGarbage } from './platform/process-memory/collect-garbage';
import { openPrivateStores, type PrivateStores } from './platform/private-stores/private-stores';
import { WorkerRunner } from './platform/worker/worker-runner.service';
import { createServer, startServer } from './server';

// What is left to close sockets and stores after the jobs are through.
const CLOSE_GRACE_MS = 5_000;

/** What a stop has to stop, as far as the start has come. */
interface Running {
  stores?: Promise<PrivateStores>;
  app?: NestFastifyApplication;
}

function say(line: string): void {
  flushLogs();
  process.stdout.write(`${line}\n`);
}

/** Puts the addresses of the private stores where the settings name none. */
function withPrivateStores(settings: Settings, stores: PrivateStores): void {
  if (stores.redisUrl !== undefined) settings.REDIS_URL = stores.redisUrl;
  if (stores.databaseUrl !== undefined) settings.DATABASE_URL = stores.databaseUrl;
}

async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings(process.env);
  const running: Running = {};
  logStrayRejections();
  let stop: Promise<void> | undefined;
  const onSignal = () => {
    stop ??= shutDown(settings, running);
  };
  // From the first moment on, so that a start that is interrupted stops the stores as well.
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    running.stores = openPrivateStores({
      home: settings.home,
      redis: !settings.hasRedis,
      database: settings.DATABASE_URL === undefined,
      log: say,
    });
    withPrivateStores(settings, await running.stores);
    if (stop !== undefined) return;
    running.app = await createServer(settings);
    const address = await startServer(running.app, settings);
    // Loading the libraries has left 10 MB.
    if (settings.ROLE !== 'api') collectGarbage();
    const notice = keyNotice(running.app.get(KeyPresence).state);
    if (notice !== undefined) say(notice);
    if (stop === undefined) say(`ready on ${address}`);
  } catch (error) {
    if (stop !== undefined) return;
    await running.app?.close().catch(() => undefined);
    await (await running.stores?.catch(() => undefined))?.close();
    throw error;
  }
}

/** Exit code 0 after a clean drain, 1 when the deadline cut something off. */
async function shutDown(settings: Settings, running: Running): Promise<void> {
  const limit = setTimeout(() => process.exit(1), settings.SHUTDOWN_TIMEOUT_MS + CLOSE_GRACE_MS);
  limit.unref();
  const { app } = running;
  const wasCutOff = await (app?.close() ?? Promise.resolve()).then(
    () => app?.get(WorkerRunner).hasCutJobsOff ?? false,
    () => true,
  );
  // They may still be starting.
  await (await running.stores?.catch(() => undefined))?.close();
  say(wasCutOff ? 'Shutdown complete, with jobs left behind' : 'Shutdown complete');
  process.exit(wasCutOff ? 1 : 0);
}

main().catch((error: unknown) => {
  // These say in their message all that a person needs.
  const isPlain = [SettingsError, PrivateStoreError, NoKeyError].some((plain) => error instanceof plain);
  const text = error instanceof Error ? (isPlain ? error.message : error.stack) : undefined;
  process.stderr.write(`${text ?? String(error)}\n`);
  process.exit(1);
});
