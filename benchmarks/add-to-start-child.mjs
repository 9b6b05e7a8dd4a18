// Adds jobs to two idle queues in turn, one after the other, and tells over IPC how long each took to start. In one process,
// because a machine that changes its speed would else measure one way at one speed and the other at another.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { dist, platformApp } from './platform-app.mjs';

const { jobs, warmUp } = JSON.parse(process.argv[2]);
const { REDIS_URL, REDIS_PREFIX } = process.env;
const CONCURRENCY = 50;
// Long enough for the job before to be over, and for its worker to wait in Redis again.
const PAUSE_MS = 4;

let started;
const handler = async () => {
  started(performance.now());
  return null;
};

async function bare() {
  const options = { connection: { url: REDIS_URL }, prefix: `${REDIS_PREFIX}-bare` };
  const queue = new Queue('bare', options);
  const worker = new Worker('bare', handler, { ...options, concurrency: CONCURRENCY });
  await worker.waitUntilReady();
  return {
    add: (number) => queue.add('noop', { number }, { attempts: 3, removeOnComplete: 1_000 }),
    close: async () => {
      await worker.close();
      await queue.obliterate({ force: true });
      await queue.close();
    },
  };
}

async function platform() {
  const { app, definition, queue, work } = await platformApp({
    name: 'ours',
    payload: { number: 'IsInt' },
    queue: { worker: { concurrency: CONCURRENCY } },
    handler,
  });
  const { addJob } = dist('platform/queue/add-job');
  await work().waitUntilReady();
  return {
    add: (number) => addJob(definition, queue, 'noop', { number }, {}),
    close: async () => {
      await queue.obliterate({ force: true, count: 10_000 });
      await app.close();
    },
  };
}

const ways = { bare: await bare(), platform: await platform() };
const millis = { bare: [], platform: [] };
for (let number = 0; number < warmUp + jobs; number += 1) {
  const names = Object.keys(ways);
  for (const name of number % 2 === 0 ? names : names.toReversed()) {
    const startedAt = new Promise((resolve) => (started = resolve));
    await sleep(PAUSE_MS);
    const addedAt = performance.now();
    const added = ways[name].add(number);
    const took = (await startedAt) - addedAt;
    await added;
    if (number >= warmUp) millis[name].push(took);
  }
}
for (const { close } of Object.values(ways)) await close();
process.send(millis);
process.disconnect();
