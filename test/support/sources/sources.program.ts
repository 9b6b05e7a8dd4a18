// A worker of the queue of sources in a process of its own, with the limits that SOURCE_LIMITS names.
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readSettings } from '../../../src/config/read-settings';
import { SettingsModule } from '../../../src/config/settings.module';
import { QueueModule } from '../../../src/platform/queue/queue.module';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { RedisModule } from '../../../src/platform/redis/redis.module';
import { WorkerModule } from '../../../src/platform/worker/worker.module';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { answers } from './redis-answers';
import { sourceLimits, SourcesModule, SourceWork } from './sources-queue';

const { questions = 0, ...limits } = JSON.parse(String(process.env['SOURCE_LIMITS'])) as Partial<
  typeof sourceLimits
> & { questions?: number };
Object.assign(sourceLimits, limits);

@Module({
  imports: [
    SettingsModule.forRoot(readSettings(process.env)),
    RedisModule,
    QueueModule.forRoot(),
    WorkerModule,
    SourcesModule,
  ],
})
class SourcesApp {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(SourcesApp, { logger: false });
  await app.get(RedisConnections).waitUntilReady(10_000);
  const { producer } = app.get(RedisConnections);
  app.get(SourceWork).run = () => answers(producer, questions);
  app.get(WorkerRunner).start('sources');
  process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
  process.stdout.write('ready on http://127.0.0.1:0\n');
}

void main();
