// One process that stores and drains parts of two queues in turn, one with limits per key and one without, and tells over
// IPC what each part has cost. In one process, because a machine that changes its speed would else measure one queue at
// one speed and the other at another.
import { performance } from 'node:perf_hooks';
import { dist, platformApp } from './platform-app.mjs';

const { jobs, keys, parts } = JSON.parse(process.argv[2]);
const CONCURRENCY = 50;
const BULK = 250;

const { addPrepared, prepareJob } = dist('platform/queue/add-job');

async function queueOf(name, keyLimits) {
  let left = 0;
  let tellDrained;
  const { app, definition, queue, redis, work } = await platformApp({
    name,
    payload: { source: 'IsString', number: 'IsInt' },
    queue: { worker: { concurrency: CONCURRENCY }, ...(keyLimits && { keyLimits }) },
    handler: async () => null,
  });
  const worker = work();
  worker.on('completed', () => {
    if ((left -= 1) === 0) tellDrained();
  });
  await worker.pause();
  return {
    redis,
    fill: async () => {
      for (let from = 0; from < jobs; from += BULK) {
        const prepared = [];
        for (let number = from; number < Math.min(from + BULK, jobs); number += 1) {
          const payload = { source: `source-${number % keys}`, number };
          prepared.push(await prepareJob(definition, queue, 'noop', payload, {}));
        }
        await addPrepared(definition, queue, prepared);
      }
    },
    drain: async () => {
      left = jobs;
      const drained = new Promise((resolve) => (tellDrained = resolve));
      worker.resume();
      await drained;
    },
    rest: () => worker.pause(),
    close: async () => {
      await queue.obliterate({ force: true, count: 100_000 });
      await app.close();
    },
  };
}

// Of Redis, the processor time that it used itself.
async function redisMicros({ redis }) {
  const info = await redis.info('cpu');
  const seconds = (name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)[1]);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1_000_000;
}

async function measured(queue, step) {
  const [before, cpu, from] = [await redisMicros(queue), process.cpuUsage(), performance.now()];
  await step();
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    seconds,
    cpuMicros: (user + system) / jobs,
    redisMicros: ((await redisMicros(queue)) - before) / jobs,
  };
}

const queues = {
  plain: await queueOf('plain'),
  // Limits that are asked for each job and keep none of them waiting.
  keyed: await queueOf('keyed', {
    key: ({ source }) => source,
    rate: { max: 1_000, durationMs: 1_000 },
    concurrency: CONCURRENCY,
  }),
};
const told = [];
for (let part = 0; part < parts; part += 1) {
  const names = Object.keys(queues);
  const of = {};
  for (const name of part % 2 === 0 ? names : names.toReversed()) {
    const queue = queues[name];
    const fill = await measured(queue, queue.fill);
    const drain = await measured(queue, queue.drain);
    await queue.rest();
    of[name] = { fill, drain };
  }
  told.push(of);
}
for (const { close } of Object.values(queues)) await close();
process.send(told);
process.disconnect();
