// One process that drains the queue of the key-limits benchmark, and tells how fast over IPC.
import { performance } from 'node:perf_hooks';
import { dist, platformApp } from './platform-app.mjs';

const [variant, jobs, keys] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const CONCURRENCY = 50;
const BULK = 250;

const { addPrepared, prepareJob } = dist('platform/queue/add-job');
let done = 0;
let resolveDrained;
const drained = new Promise((resolve) => (resolveDrained = resolve));
const { app, definition, queue, redis, work } = await platformApp({
  name: 'sources',
  payload: { source: 'IsString', number: 'IsInt' },
  queue: {
    worker: { concurrency: CONCURRENCY },
    // Limits that are asked for each job and keep none of them waiting.
    ...(variant === 'keyed' && {
      keyLimits: {
        key: ({ source }) => source,
        rate: { max: 1_000, durationMs: 1_000 },
        concurrency: CONCURRENCY,
      },
    }),
  },
  handler: async () => null,
});

// Of Redis, the processor time that it used itself.
async function redisMicros() {
  const info = await redis.info('cpu');
  const seconds = (name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)[1]);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1_000_000;
}

async function measured(step) {
  const [before, cpu, from] = [await redisMicros(), process.cpuUsage(), performance.now()];
  await step();
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuMicros: (user + system) / jobs, redisMicros: ((await redisMicros()) - before) / jobs };
}

const fill = await measured(async () => {
  for (let from = 0; from < jobs; from += BULK) {
    const prepared = [];
    for (let number = from; number < Math.min(from + BULK, jobs); number += 1)
      prepared.push(
        await prepareJob(definition, queue, 'noop', { source: `source-${number % keys}`, number }, {}),
      );
    await addPrepared(definition, queue, prepared);
  }
});
const drain = await measured(async () => {
  work().on('completed', () => {
    if ((done += 1) === jobs) resolveDrained();
  });
  await drained;
});
process.send({ fill, drain });
await app.close();
process.disconnect();
