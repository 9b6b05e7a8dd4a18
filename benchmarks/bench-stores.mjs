// A Redis and a PostgreSQL of a benchmark's own, in a folder of its own.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

/** Starts what is asked for; `close` ends it and leaves no file behind. */
export async function openBenchStores({ redis = true, database = true } = {}) {
  const { openPrivateStores } = require('../dist/platform/private-stores/private-stores.js');
  const { outsidePlace } = require('../dist/platform/private-stores/postgres-place.js');
  const home = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  // Under root PostgreSQL runs as another user, who has to pass through.
  await chmod(home, 0o711);
  const stores = await openPrivateStores({ home, redis, database, log: () => undefined });
  return {
    home,
    redisUrl: stores.redisUrl,
    databaseUrl: stores.databaseUrl,
    close: async () => {
      await stores.close();
      for (const path of [home, outsidePlace(home)]) await rm(path, { recursive: true, force: true });
    },
  };
}
