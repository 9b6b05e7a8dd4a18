// An application of the platform with one queue, whose jobs one handler runs, for the benchmarks that measure the platform alone.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('reflect-metadata');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { Processor, getQueueToken } = require('@nestjs/bullmq');
const validators = require('class-validator');
const READY_DEADLINE_MS = 5_000;

export const dist = (path) => require(`../dist/${path}.js`);

/**
 * `payload` has the name of class-validator's check for each field, `queue` what a queue declares beside name and jobs.
 * Decorators are applied by hand, because this is no TypeScript.
 */
export async function platformApp({ name, payload, queue = {}, handler, hasLedger = false }) {
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

  const Payload = class extends Object {};
  for (const [field, check] of Object.entries(payload)) validators[check]()(Payload.prototype, field);
  const definition = defineQueue({
    name,
    domain: 'benchmark',
    description: 'No-op jobs.',
    jobs: { noop: { payload: Payload } },
    ...queue,
  });
  class Consumer extends JobConsumer {
    constructor() {
      super(definition);
      this.handlers = { noop: handler };
    }
  }
  Processor(name)(Consumer);
  const App = class {
    name = 'benchmark';
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
  const connections = app.get(RedisConnections);
  await connections.waitUntilReady(READY_DEADLINE_MS);
  return {
    app,
    definition,
    queue: app.get(getQueueToken(name)),
    redis: connections.producer,
    /** Starts the worker of the queue; answers it. */
    work: () => {
      app.get(WorkerRunner).start(name);
      return app.get(Consumer).worker;
    },
  };
}
