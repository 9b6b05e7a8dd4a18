import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outsidePlace } from '../../src/platform/private-stores/postgres-place';
import { openPrivateStores, stopUnusedStores } from '../../src/platform/private-stores/private-stores';

const prefix = 'holdfast-suite-';
// A run that begins at the same moment has made its home, but does not use it yet.
const youngMs = 60_000;

declare global {
  var closeSuiteStores: (() => Promise<void>) | undefined;
}

function removeHome(home: string): void {
  rmSync(home, { recursive: true, force: true });
  rmSync(outsidePlace(home), { recursive: true, force: true });
}

/** A run that was killed could not tidy up; the next one does. */
async function removeAbandonedHomes(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const home = join(tmpdir(), name);
    const { uid, mtimeMs } = statSync(home);
    if (uid !== process.getuid?.() || Date.now() - mtimeMs < youngMs) continue;
    if (await stopUnusedStores(home)) removeHome(home);
  }
}

/** One Redis and one PostgreSQL for the whole run, in a home that is thrown away after it. */
export default async function openSuiteStores(): Promise<void> {
  await removeAbandonedHomes();
  const home = mkdtempSync(join(tmpdir(), prefix));
  // Under root PostgreSQL runs as another user, who has to pass through.
  chmodSync(home, 0o711);
  const stores = await openPrivateStores({ home, redis: true, database: true, log: () => undefined });
  process.env['TEST_REDIS_URL'] = stores.redisUrl;
  process.env['TEST_DATABASE_URL'] = stores.databaseUrl;
  globalThis.closeSuiteStores = async () => {
    await stores.close();
    removeHome(home);
  };
  // Jest calls no teardown when it is interrupted.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void globalThis.closeSuiteStores?.().finally(() => process.exit(code)));
  }
}
