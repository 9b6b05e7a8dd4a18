// Searches over a million past jobs, as GET /api/queue/jobs does them: p50 and p95 of each kind.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { openBenchStores } from './bench-stores.mjs';
import { fillLedger } from './ledger-data.mjs';

const require = createRequire(import.meta.url);
const dist = (path) => require(`../dist/${path}.js`);
const DAY_MS = 86_400_000;
const GOAL_MS = 200;

const kinds = {
  'no filter': () => ({}),
  'id, by its beginning': (n) => ({ q: `queue0_${'abcdefgh'[n % 8]}` }),
  key: (n) => ({ key: `order-${n * 9_990}` }),
  'key that nobody has': (n) => ({ key: `nobody-${n}` }),
  'type, common': () => ({ type: 'type-0-0' }),
  'type, rare': () => ({ type: 'type-5-1' }),
  'state, common': () => ({ states: ['completed'] }),
  'state, rare': () => ({ states: ['cancelled'] }),
  'two states of one queue': () => ({ queue: 'queue4', states: ['failed', 'cancelled'] }),
  'error text, common': () => ({ q: 'did not answer' }),
  'error text, one job': (n) => ({ q: `order ${n * 20_000 + 7}:` }),
  'error text, none': (n) => ({ q: `nothing of the kind ${n}` }),
  'error group': (n, groups) => ({ errorGroup: groups[n % groups.length] }),
  'error group in one queue': (n, groups) => ({ queue: 'queue4', errorGroup: groups[n % groups.length] }),
  'failed within a day': (n) => ({
    states: ['failed'],
    from: Date.now() - (n % 28) * DAY_MS - DAY_MS,
    to: Date.now() - (n % 28) * DAY_MS,
  }),
  'tag, common': () => ({ tags: ['vip'] }),
  'tag in a rare state': () => ({ tags: ['import'], states: ['cancelled'] }),
  'payload field': (n) => ({ payload: { customer: `c${(n * 3_001) % 50_000}` } }),
  'payload field, none': (n) => ({ payload: { customer: `nobody-${n}` } }),
};

export async function run({ rows = 1_000_000, searches = 40 } = {}) {
  const { migrate } = dist('platform/database/migrations');
  const { Database } = dist('platform/database/database.service');
  const { LedgerSearch } = dist('platform/ledger/ledger-search.service');
  const { readSettings } = dist('config/read-settings');
  const stores = await openBenchStores({ redis: false });
  const folders = [
    { name: 'ledger', folder: fileURLToPath(new URL('../dist/platform/ledger/migrations', import.meta.url)) },
  ];
  const database = new Database(readSettings({ DATABASE_URL: stores.databaseUrl }), folders);
  try {
    await migrate(stores.databaseUrl, folders);
    const client = new pg.Client({ connectionString: stores.databaseUrl });
    await client.connect();
    await fillLedger(client, rows);
    const groups = (
      await client.query(
        'SELECT DISTINCT error_group AS g FROM ledger_jobs_rest UNION SELECT DISTINCT error_group FROM ledger_jobs WHERE error_group IS NOT NULL LIMIT 50',
      )
    ).rows.flatMap(({ g }) => g ?? []);
    await client.end();
    await database.onApplicationBootstrap();
    const search = new LedgerSearch(database);
    const notes = [];
    const all = [];
    for (const [kind, filterOf] of Object.entries(kinds)) {
      const times = [];
      for (let n = 0; n < searches; n += 1) {
        const startedAt = performance.now();
        await search.find({ tenant: 'default', ...filterOf(n, groups) }, { limit: 50 });
        times.push(performance.now() - startedAt);
      }
      times.sort((a, b) => a - b);
      const p95 = times[Math.floor(times.length * 0.95)];
      all.push(...times);
      notes.push(
        `${kind}: p50 ${times[Math.floor(times.length / 2)].toFixed(1)} ms, p95 ${p95.toFixed(1)} ms${p95 > GOAL_MS ? ' (over the goal)' : ''}`,
      );
    }
    all.sort((a, b) => a - b);
    const at = (part) => all[Math.floor(all.length * part)];
    return {
      title: `Search over ${rows.toLocaleString('en')} past jobs, ${searches} of each kind`,
      measured: [{ 'p50 of all, ms': at(0.5), 'p95 of all, ms': at(0.95), 'p99 of all, ms': at(0.99) }],
      notes,
    };
  } finally {
    await database.onApplicationShutdown();
    await stores.close();
  }
}
