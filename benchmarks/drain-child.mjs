// One process that drains the queue of the drain benchmark in one way, and tells how fast over IPC.
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

const require = createRequire(import.meta.url);
require('reflect-metadata');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { Processor } = require('@nestjs/bullmq');
const { IsInt } = require('class-validator');
const { Worker } = require('bullmq');
const dist = (path) => require(`../dist/${path}.js`);

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

/** The queue as any workload declares one; decorators are applied by hand, because this is no TypeScript. */
async function platform(hasLedger) {
  // As main.ts does, before anything else of ours is loaded.
  dist('heap-limits');
  const { readSettings } = dist('config/read-settings');
  const { SettingsModule } = dist('config/settings.module');
  const { defineQueue } = dist('platform/queue/define-queue');
  const { JobConsumer } = dist('platform/queue/job-consumer');
  const { QueueModule } = dist('platform/queue/queue.module');
  const { RedisModule } = dist('platform/redis/redis.module');
  const { RedisConnections } = dist('platform/redis/redis-connections.service');
  const { WorkerModule } = dist('platform/worker/worker.module');
  const { WorkerRunner } = dist('platform/worker/worker-runner.service');
  const { DatabaseModule } = dist('platform/database/database.module');
  const { LeaderModule } = dist('platform/leader/leader.module');
  const { ContractsModule } = dist('platform/contracts/contracts.module');
  const { ResultsModule } = dist('platform/results/results.module');
  const { StorageModule } = dist('platform/storage/storage.module');
  const { RetentionModule } = dist('platform/retention/retention.module');
  const { loggingModule } = dist('platform/logging/logging.module');
  const { ledgerMigrations, LedgerModule } = dist('platform/ledger/ledger.module');
  const { Logger } = require('nestjs-pino');

  class Payload {
    number;
  }
  IsInt()(Payload.prototype, 'number');
  const definition = defineQueue({
    name: 'drain',
    domain: 'benchmark',
    description: 'No-op jobs.',
    jobs: { noop: { payload: Payload } },
    worker: { concurrency: CONCURRENCY },
    retention: { completed: { ageMs: 86_400_000, count: 1_000 } },
  });
  class Consumer extends JobConsumer {
    constructor() {
      super(definition);
      this.handlers = {
        noop: async () => {
          begin();
          return null;
        },
      };
    }
  }
  Processor('drain')(Consumer);
  const App = class {
    name = 'drain';
  };
  const settings = readSettings(process.env);
  Module({
    imports: [
      SettingsModule.forRoot(settings),
      loggingModule(settings),
      RedisModule,
      LeaderModule,
      QueueModule.forRoot(),
      WorkerModule,
      StorageModule,
      ContractsModule,
      ResultsModule,
      QueueModule.forQueue(definition),
      RetentionModule,
      ...(hasLedger ? [DatabaseModule.forRoot([ledgerMigrations]), LedgerModule] : []),
    ],
    providers: [Consumer],
  })(App);
  const app = await NestFactory.createApplicationContext(App, { bufferLogs: true });
  app.useLogger(app.get(Logger));
  await app.get(RedisConnections).waitUntilReady(5_000);
  const runner = app.get(WorkerRunner);
  runner.start('drain');
  const consumer = app.get(Consumer);
  consumer.worker.on('completed', end);
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
