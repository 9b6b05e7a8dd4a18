// No-op jobs drained at a concurrency of 50: a bare BullMQ worker, the platform without and with its ledger.
import { fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import pg from 'pg';
import { openBenchStores } from './bench-stores.mjs';

const child = fileURLToPath(new URL('./drain-child.mjs', import.meta.url));
const variants = ['bare', 'bareKeeping', 'platform', 'ledger'];
const BULK = 1_000;

async function fill(queue, round, jobs) {
  for (let from = 0; from < jobs; from += BULK) {
    await queue.addBulk(
      Array.from({ length: Math.min(BULK, jobs - from) }, (_, index) => ({
        name: 'noop',
        data: { number: from + index },
        opts: {
          jobId: `drain_${String(round).padStart(11, '0')}${String(from + index).padStart(11, '0')}`,
          attempts: 3,
        },
      })),
    );
  }
}

/** Runs one variant in a process of its own; resolves with what it tells. */
function drain(variant, jobs, env) {
  return new Promise((resolve, reject) => {
    const log = openSync(join(env.HOLDFAST_HOME, 'drain.log'), 'w');
    const drainer = fork(child, [variant, String(jobs)], { env, stdio: ['ignore', log, 'inherit', 'ipc'] });
    closeSync(log);
    let told;
    drainer.on('message', (message) => (told = message));
    drainer.once('exit', (code) =>
      told === undefined
        ? reject(new Error(`${variant} ended with ${code} and told nothing.`))
        : resolve(told),
    );
  });
}

async function countRows(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(
      "SELECT count(*)::int AS count FROM ledger_jobs WHERE state = 'completed'",
    );
    return rows[0].count;
  } finally {
    await client.end();
  }
}

export async function run({ jobs = 30_000, rounds = 5 } = {}) {
  const stores = await openBenchStores();
  try {
    const measured = [];
    let expected = 0;
    for (let round = 0; round < rounds; round += 1) {
      const told = {};
      // Another order in each round, so that none always runs on a warmer machine.
      for (const variant of variants.map((_, index) => variants[(index + round) % variants.length])) {
        const prefix = `drain-${round}-${variant}`;
        const queue = new Queue('drain', {
          connection: { url: stores.redisUrl },
          prefix,
          streams: { events: { maxLen: 1_000 } },
        });
        await fill(queue, round, jobs);
        told[variant] = await drain(variant, jobs, {
          ...process.env,
          NODE_ENV: 'test',
          HOLDFAST_HOME: stores.home,
          LOG_LEVEL: 'info',
          REDIS_URL: stores.redisUrl,
          DATABASE_URL: stores.databaseUrl,
          REDIS_PREFIX: prefix,
        });
        await queue.obliterate({ force: true, count: 100_000 });
        await queue.close();
      }
      expected += jobs;
      measured.push({
        'bare BullMQ worker, jobs/s': jobs / told.bare.seconds,
        'bare worker that removes nothing, jobs/s': jobs / told.bareKeeping.seconds,
        'platform, jobs/s': jobs / told.platform.seconds,
        'platform with ledger, jobs/s': jobs / told.ledger.seconds,
        'ratio without ledger': told.bare.seconds / told.platform.seconds,
        'ratio with ledger': told.bare.seconds / told.ledger.seconds,
        'ratio with ledger, to the one that removes nothing': told.bareKeeping.seconds / told.ledger.seconds,
        'CPU of the bare process, µs a job': told.bare.cpuMicros,
        'CPU of the process without ledger, µs a job': told.platform.cpuMicros,
        'CPU of the process with ledger, µs a job': told.ledger.cpuMicros,
        'ledger behind when the last job ended, ms': told.ledger.lagMs,
        'ledger complete after that, ms': told.ledger.catchUpMs,
      });
      console.error(`round ${round + 1}: ${JSON.stringify(measured.at(-1))}`);
    }
    const rows = await countRows(stores.databaseUrl);
    return {
      title: `Drain of ${jobs.toLocaleString('en')} no-op jobs, concurrency 50, ${rounds} rounds`,
      measured,
      notes: [`completed jobs in the ledger: ${rows} of ${expected}`],
    };
  } finally {
    await stores.close();
  }
}
