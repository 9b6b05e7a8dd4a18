// A thousand jobs at a time: BullMQ's own addBulk in process, the platform in process, and one batch over HTTP.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerChild } from '../scripts/server-child.mjs';

const JOBS = 1_000;
const BATCHES = 5;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const load = (path) => createRequire(import.meta.url)(join(dist, `${path}.js`));
const payloads = () =>
  Array.from({ length: JOBS }, (_, at) => ({ message: `job ${at} of a batch`, delay: 0 }));

/** Jobs a second over some batches, one after the other. */
async function pace(batch) {
  const startedAt = performance.now();
  for (let done = 0; done < BATCHES; done += 1) await batch();
  return (BATCHES * JOBS * 1_000) / (performance.now() - startedAt);
}

async function post(url) {
  const jobs = payloads().map((data) => ({ type: 'test-job', data }));
  const answer = await fetch(`${url}/api/queue/jobs/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jobs }),
  });
  const { accepted } = await answer.json();
  if (accepted !== JOBS) throw new Error(`The batch was answered with ${answer.status}.`);
}

/** Runs the rounds, all ways in turn; resolves with the rows of the result table. */
export async function run({ rounds = 5 } = {}) {
  const home = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const settings = { NODE_ENV: 'test', ROLE: 'api', PORT: '0', LOG_LEVEL: 'warn', HOLDFAST_HOME: home };
  const server = new ServerChild(settings, { log: join(home, 'api.log'), cwd: home });
  const url = (await server.ready()).replace('localhost', '127.0.0.1');
  const { PrivateRedis } = load('platform/private-stores/private-redis');
  const redis = new PrivateRedis(home);
  await redis.ensure({ keepPort: true });
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const { addPrepared, prepareJob } = load('platform/queue/add-job');
  const { defaultQueue } = load('workloads/tasks/default/default.queue');
  const stock = new Queue('default', { connection, prefix: 'stock' });
  const own = new Queue('default', { connection, prefix: 'own' });
  // The options that Holdfast stores, so that both write as much.
  const { options } = await prepareJob(defaultQueue, own, 'test-job', { message: 'x' });
  const ways = {
    'raw addBulk(1000) in process, jobs/s': () =>
      stock.addBulk(payloads().map((data) => ({ name: 'test-job', data, opts: options }))),
    'Holdfast in process, checked, jobs/s': async () => {
      const jobs = await Promise.all(
        payloads().map((data) => prepareJob(defaultQueue, own, 'test-job', data)),
      );
      await addPrepared(defaultQueue, own, jobs);
    },
    'POST /api/queue/jobs/batch, jobs/s': () => post(url),
  };
  try {
    for (const batch of Object.values(ways)) await batch();
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      const figures = {};
      for (const [name, batch] of Object.entries(ways)) figures[name] = await pace(batch);
      const [raw, inProcess, http] = Object.values(figures);
      measured.push({ ...figures, 'in process to raw': inProcess / raw, 'HTTP to raw': http / raw });
    }
    return {
      title: `Bulk enqueue, ${JOBS} jobs at a time, ${rounds} rounds`,
      measured,
      notes: [
        'one request at a time; each job of Holdfast is validated, has an id of its own and its origin',
      ],
    };
  } finally {
    await Promise.all([stock.close(), own.close()]);
    connection.disconnect();
    await server.stop('SIGTERM', 60_000);
    await rm(home, { recursive: true, force: true });
  }
}
