import { chmodSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { withHomeLock } from './home-lock';
import { PrivatePostgres } from './private-postgres';
import { PrivateRedis } from './private-redis';
import type { PrivateStore } from './private-store';
import { PrivateStoreError } from './private-store-error';
import { StoreSupervisor } from './store-supervisor';
import { StoreUsers } from './store-users';

export interface PrivateStoresOptions {
  /** The data directory, HOLDFAST_HOME. */
  home: string;
  redis: boolean;
  database: boolean;
  log: (line: string) => void;
}

export interface PrivateStores {
  redisUrl?: string;
  databaseUrl?: string;
  /** Ends the supervision; the last user of the home stops the stores. */
  close(): Promise<void>;
}

/** Only the directory itself is made passable for PostgreSQL's user, and only when root makes it; never a parent. */
function prepareHome(home: string): string {
  if (!existsSync(home)) {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    if (process.getuid?.() === 0) chmodSync(home, 0o711);
  }
  return realpathSync(home);
}

function explain(home: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOSPC'].includes(code ?? '')) return error;
  return new PrivateStoreError(
    `The data directory ${home} cannot be used (${(error as Error).message}): set HOLDFAST_HOME to a directory of your own.`,
    { cause: error },
  );
}

/**
 * Gives a Redis and a PostgreSQL of our own on the loopback, adopting those that another process of the same home
 * left or uses, and starts again whichever dies until `close`. Throws a PrivateStoreError that says what to do.
 */
export async function openPrivateStores(options: PrivateStoresOptions): Promise<PrivateStores> {
  if (!options.redis && !options.database) return { close: () => Promise.resolve() };
  try {
    return await open(prepareHome(options.home), options);
  } catch (error) {
    throw explain(options.home, error);
  }
}

/**
 * Stops the stores of a home whose users all died without closing, for instance by kill -9; true when nobody uses
 * them now, false when someone does.
 */
export async function stopUnusedStores(home: string): Promise<boolean> {
  const place = realpathSync(home);
  return await withHomeLock(place, async () => {
    if (new StoreUsers(place).prune() > 0) return false;
    await stopAll(place);
    return true;
  });
}

async function open(home: string, options: PrivateStoresOptions): Promise<PrivateStores> {
  const redis = options.redis ? new PrivateRedis(home) : undefined;
  const database = options.database ? new PrivatePostgres(home) : undefined;
  const stores: PrivateStore[] = [redis, database].filter((store) => store !== undefined);
  const users = new StoreUsers(home);
  await withHomeLock(home, async () => {
    users.join();
    try {
      await startAll(stores, home, options.log);
    } catch (error) {
      if (users.leave()) await stopAll(home).catch(() => undefined);
      throw error;
    }
  });
  const supervisor = new StoreSupervisor(home, stores, options.log);
  let closing: Promise<void> | undefined;
  const close = async () => {
    await supervisor.stop();
    if (existsSync(home))
      await withHomeLock(home, async () => (users.leave() ? await stopAll(home) : undefined));
  };
  return { redisUrl: redis?.url, databaseUrl: database?.url, close: () => (closing ??= close()) };
}

async function startAll(stores: PrivateStore[], home: string, log: (line: string) => void): Promise<void> {
  const results = await Promise.allSettled(
    stores.map(async (store) => {
      const outcome = await store.ensure({ keepPort: false });
      log(`Private ${store.label} ${outcome} on 127.0.0.1:${new URL(store.url).port}, data in ${home}.`);
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Stops whatever runs in the home, also a store that only an earlier user had asked for. */
async function stopAll(home: string): Promise<void> {
  const stops = [new PrivateRedis(home), new PrivatePostgres(home)].map(async (store) => await store.stop());
  const failed = (await Promise.allSettled(stops)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
