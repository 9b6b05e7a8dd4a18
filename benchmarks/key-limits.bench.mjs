// No-op jobs of a thousand keys, stored and drained: a queue with limits per key beside the same queue without.
import { fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';

const require = createRequire(import.meta.url);
const child = fileURLToPath(new URL('./key-limits-child.mjs', import.meta.url));
const variants = ['plain', 'keyed'];

/** Runs one variant in a process of its own; resolves with what it tells. */
function measure(variant, jobs, keys, env) {
  return new Promise((resolve, reject) => {
    const log = openSync(join(env.HOLDFAST_HOME, 'key-limits.log'), 'w');
    const process = fork(child, [variant, String(jobs), String(keys)], {
      env,
      stdio: ['ignore', log, 'inherit', 'ipc'],
    });
    closeSync(log);
    let told;
    process.on('message', (message) => (told = message));
    process.once('exit', (code) =>
      told === undefined
        ? reject(new Error(`${variant} ended with ${code} and told nothing.`))
        : resolve(told),
    );
  });
}

export async function run({ jobs = 30_000, keys = 1_000, rounds = 5 } = {}) {
  const { openPrivateStores } = require('../dist/platform/private-stores/private-stores.js');
  const home = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  await chmod(home, 0o711);
  const stores = await openPrivateStores({ home, redis: true, database: false, log: () => undefined });
  try {
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      const told = {};
      // Another order in each round, so that none always runs on a warmer machine.
      for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
        const prefix = `keys-${round}-${variant}`;
        told[variant] = await measure(variant, jobs, keys, {
          ...process.env,
          NODE_ENV: 'test',
          HOLDFAST_HOME: home,
          LOG_LEVEL: 'info',
          REDIS_URL: stores.redisUrl,
          REDIS_PREFIX: prefix,
        });
        const queue = new Queue('sources', { connection: { url: stores.redisUrl }, prefix });
        await queue.obliterate({ force: true, count: 100_000 });
        await queue.close();
      }
      const { plain, keyed } = told;
      const total = ({ fill, drain }) => fill.seconds + drain.seconds;
      const cpu = ({ fill, drain }) =>
        fill.cpuMicros + drain.cpuMicros + fill.redisMicros + drain.redisMicros;
      measured.push({
        'without limits, stored and drained, jobs/s': jobs / total(plain),
        'with limits, stored and drained, jobs/s': jobs / total(keyed),
        'time a job, with limits to without': total(keyed) / total(plain),
        'CPU a job of both processes, with limits to without': cpu(keyed) / cpu(plain),
        'time to store, with limits to without': keyed.fill.seconds / plain.fill.seconds,
        'time to drain, with limits to without': keyed.drain.seconds / plain.drain.seconds,
        'Redis without limits, µs a job': plain.fill.redisMicros + plain.drain.redisMicros,
        'Redis with limits, µs a job': keyed.fill.redisMicros + keyed.drain.redisMicros,
        'process without limits, µs a job': plain.fill.cpuMicros + plain.drain.cpuMicros,
        'process with limits, µs a job': keyed.fill.cpuMicros + keyed.drain.cpuMicros,
      });
      console.error(`round ${round + 1}: ${JSON.stringify(measured.at(-1))}`);
    }
    return {
      title: `${jobs.toLocaleString('en')} no-op jobs of ${keys.toLocaleString('en')} keys, concurrency 50, ${rounds} rounds`,
      measured,
      notes: ['each key has a rate and a concurrency that keep no job waiting'],
    };
  } finally {
    await stores.close();
    await rm(home, { recursive: true, force: true });
  }
}
