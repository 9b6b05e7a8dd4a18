import './heap-limits';
import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { existsSync } from 'node:fs';
import { readSettings, SettingsError, type Settings } from './config/settings';
import { openPrivateStores, type PrivateStores } from './platform/private-stores/private-stores';
import { WorkerRunner } from './platform/worker/worker-runner.service';
import { createServer, startServer } from './server';

// What is left to close sockets and stores after the jobs are through.
const CLOSE_GRACE_MS = 5_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Puts the addresses of the private stores where the settings name none. */
function withPrivateStores(settings: Settings, stores: PrivateStores): void {
  if (stores.redisUrl !== undefined) settings.REDIS_URL = stores.redisUrl;
  if (stores.databaseUrl !== undefined) settings.DATABASE_URL = stores.databaseUrl;
}

async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings(process.env);
  const running: { stores?: PrivateStores; app?: NestFastifyApplication } = {};
  let stop: Promise<void> | undefined;
  const onSignal = () => {
    stop ??= shutDown(settings, running);
  };
  // From the first moment on, so that a start that is interrupted stops the stores as well.
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    running.stores = await openPrivateStores({
      home: settings.home,
      redis: !settings.hasRedis,
      database: settings.DATABASE_URL === undefined,
      log: say,
    });
    withPrivateStores(settings, running.stores);
    if (stop !== undefined) return;
    running.app = await createServer(settings);
    const address = await startServer(running.app, settings);
    if (stop === undefined) say(`ready on ${address}`);
  } catch (error) {
    if (stop !== undefined) return;
    await running.app?.close().catch(() => undefined);
    await running.stores?.close();
    throw error;
  }
}

/** Exit code 0 after a clean drain, 1 when the deadline cut something off. */
async function shutDown(
  settings: Settings,
  { app, stores }: { stores?: PrivateStores; app?: NestFastifyApplication },
): Promise<void> {
  const limit = setTimeout(() => process.exit(1), settings.SHUTDOWN_TIMEOUT_MS + CLOSE_GRACE_MS);
  limit.unref();
  const wasCutOff = await (app?.close() ?? Promise.resolve()).then(
    () => app?.get(WorkerRunner).hasCutJobsOff ?? false,
    () => true,
  );
  await stores?.close();
  say(wasCutOff ? 'Shutdown complete, with jobs left behind' : 'Shutdown complete');
  process.exit(wasCutOff ? 1 : 0);
}

main().catch((error: unknown) => {
  const text = error instanceof SettingsError || !(error instanceof Error) ? String(error) : error.stack;
  process.stderr.write(`${text ?? String(error)}\n`);
  process.exit(1);
});
