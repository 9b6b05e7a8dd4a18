// Adds jobs to an idle queue, one after the other, and tells over IPC how long each took to start.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { dist, platformApp } from './platform-app.mjs';

const { variant, jobs, warmUp } = JSON.parse(process.argv[2]);
const { REDIS_URL, REDIS_PREFIX } = process.env;
const NAME = 'add-to-start';
// Long enough for the job before to be over, and for the worker to wait in Redis again.
const PAUSE_MS = 4;

let started;
const handler = async () => {
  started(performance.now());
  return null;
};

async function bare() {
  const options = { connection: { url: REDIS_URL }, prefix: REDIS_PREFIX };
  const queue = new Queue(NAME, options);
  const worker = new Worker(NAME, handler, { ...options, concurrency: 50 });
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
    name: NAME,
    payload: { number: 'IsInt' },
    queue: { worker: { concurrency: 50 } },
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

const { add, close } = await (variant === 'bare' ? bare() : platform());
const millis = [];
for (let number = 0; number < warmUp + jobs; number += 1) {
  const startedAt = new Promise((resolve) => (started = resolve));
  await sleep(PAUSE_MS);
  const addedAt = performance.now();
  const added = add(number);
  const took = (await startedAt) - addedAt;
  await added;
  if (number >= warmUp) millis.push(took);
}
await close();
process.send({ millis });
process.disconnect();
