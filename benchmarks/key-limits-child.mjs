// One process that drains the queue of the key-limits benchmark, and tells how fast over IPC.
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

const require = createRequire(import.meta.url);
require('reflect-metadata');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { Processor, getQueueToken } = require('@nestjs/bullmq');
const { IsInt, IsString } = require('class-validator');
const dist = (path) => require(`../dist/${path}.js`);

const [variant, jobs, keys] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const CONCURRENCY = 50;
const BULK = 250;

dist('heap-limits');
const { readSettings } = dist('config/read-settings');
const { SettingsModule } = dist('config/settings.module');
const { defineQueue } = dist('platform/queue/define-queue');
const { addPrepared, prepareJob } = dist('platform/queue/add-job');
const { JobConsumer } = dist('platform/queue/job-consumer');
const { QueueModule } = dist('platform/queue/queue.module');
const { RedisModule } = dist('platform/redis/redis.module');
const { RedisConnections } = dist('platform/redis/redis-connections.service');
const { WorkerModule } = dist('platform/worker/worker.module');
const { WorkerRunner } = dist('platform/worker/worker-runner.service');
const { LeaderModule } = dist('platform/leader/leader.module');
const { loggingModule } = dist('platform/logging/logging.module');
const { Logger } = require('nestjs-pino');

class Payload {
  source;
  number;
}
IsString()(Payload.prototype, 'source');
IsInt()(Payload.prototype, 'number');
const definition = defineQueue({
  name: 'sources',
  domain: 'benchmark',
  description: 'No-op jobs of many keys.',
  jobs: { noop: { payload: Payload } },
  worker: { concurrency: CONCURRENCY },
  // Limits that are asked for each job and keep none of them waiting.
  ...(variant === 'keyed' && {
    keyLimits: {
      key: ({ source }) => source,
      rate: { max: 1_000, durationMs: 1_000 },
      concurrency: CONCURRENCY,
    },
  }),
});

let done = 0;
let resolveDrained;
const drained = new Promise((resolve) => (resolveDrained = resolve));
class Consumer extends JobConsumer {
  constructor() {
    super(definition);
    this.handlers = { noop: async () => null };
  }
}
Processor('sources')(Consumer);
const App = class {
  name = 'sources';
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
    QueueModule.forQueue(definition),
  ],
  providers: [Consumer],
})(App);
const app = await NestFactory.createApplicationContext(App, { bufferLogs: true });
app.useLogger(app.get(Logger));
const connections = app.get(RedisConnections);
await connections.waitUntilReady(5_000);
const queue = app.get(getQueueToken('sources'));

// Of Redis, the processor time that it used itself.
async function redisMicros() {
  const info = await connections.producer.info('cpu');
  const seconds = (name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)[1]);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1_000_000;
}

async function measured(work) {
  const [before, cpu, from] = [await redisMicros(), process.cpuUsage(), performance.now()];
  await work();
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
  app.get(WorkerRunner).start('sources');
  app.get(Consumer).worker.on('completed', () => {
    if ((done += 1) === jobs) resolveDrained();
  });
  await drained;
});
process.send({ fill, drain });
await app.close();
process.disconnect();
