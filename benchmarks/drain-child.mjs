// One process that drains the queue of the drain benchmark in one way, and tells how fast over IPC.
import { performance } from 'node:perf_hooks';
import { Worker } from 'bullmq';
import { dist, platformApp } from './platform-app.mjs';

const [variant, total] = [process.argv[2], Number(process.argv[3])];
const { REDIS_URL, REDIS_PREFIX } = process.env;
const CONCURRENCY = 50;

let started;
let cpuAtStart;
let cpuMicros;
let done = 0;
let resolveDrained;
const drained = new Promise((resolve) => (resolveDrained = resolve));
const begin = () => {
  if (started !== undefined) return;
  started = performance.now();
  cpuAtStart = process.cpuUsage();
};
const end = () => {
  if ((done += 1) < total) return;
  const { user, system } = process.cpuUsage(cpuAtStart);
  cpuMicros = (user + system) / total;
  resolveDrained((performance.now() - started) / 1_000);
};

async function bare(keepsAll) {
  const handler = async () => {
    begin();
    return null;
  };
  const worker = new Worker('drain', handler, {
    connection: { url: REDIS_URL },
    prefix: REDIS_PREFIX,
    concurrency: CONCURRENCY,
    ...(!keepsAll && { removeOnComplete: { age: 86_400, count: 1_000 } }),
    lockDuration: 15_000,
  });
  worker.on('completed', end);
  worker.on('error', () => undefined);
  const seconds = await drained;
  process.send({ seconds, cpuMicros });
  await worker.close();
}

/** The queue as any workload declares one. */
async function platform(hasLedger) {
  const { app, work } = await platformApp({
    name: 'drain',
    payload: { number: 'IsInt' },
    queue: {
      worker: { concurrency: CONCURRENCY },
      retention: { completed: { ageMs: 86_400_000, count: 1_000 } },
    },
    handler: async () => {
      begin();
      return null;
    },
    hasLedger,
  });
  work().on('completed', end);
  const seconds = await drained;
  const caughtUp = hasLedger ? await caughtUpAfter(app) : {};
  process.send({ seconds, cpuMicros, ...caughtUp });
  await app.close();
}

async function caughtUpAfter(app) {
  const { LedgerWriter } = dist('platform/ledger/ledger-writer.service');
  const writer = app.get(LedgerWriter);
  const since = performance.now();
  const lagMs = await writer.lagMs();
  for (const deadline = Date.now() + 60_000; (await writer.lagMs()) > 0;) {
    if (Date.now() > deadline) throw new Error('The ledger did not catch up within a minute.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { lagMs, catchUpMs: performance.now() - since };
}

await (variant.startsWith('bare') ? bare(variant === 'bareKeeping') : platform(variant === 'ledger'));
process.disconnect();
