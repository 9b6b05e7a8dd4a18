import type { DynamicModule, Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { randomBytes } from 'node:crypto';
import { readSettings } from '../../src/config/read-settings';
import { SettingsModule } from '../../src/config/settings.module';
import { QueueModule } from '../../src/platform/queue/queue.module';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { RedisModule } from '../../src/platform/redis/redis.module';
import { WorkerModule } from '../../src/platform/worker/worker.module';

/** A prefix of its own for one file or one test. */
export function randomPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}

/** Queues and workers on the real Redis, without HTTP and without a database; no worker runs yet. */
export async function startQueueApp(
  imports: (Type | DynamicModule)[],
  overrides: Record<string, string> = {},
): Promise<TestingModule> {
  const settings = readSettings({
    REDIS_URL: process.env['TEST_REDIS_URL'],
    REDIS_PREFIX: randomPrefix(),
    SHUTDOWN_TIMEOUT_MS: '2000',
    ...overrides,
  });
  const app = await Test.createTestingModule({
    imports: [SettingsModule.forRoot(settings), RedisModule, QueueModule.forRoot(), WorkerModule, ...imports],
  }).compile();
  app.useLogger(false);
  await app.get(RedisConnections).waitUntilReady(2_000);
  return app.init();
}

/** Removes what the tests left under a prefix. */
export async function removeKeys(app: TestingModule, prefix: string): Promise<void> {
  const { producer } = app.get(RedisConnections);
  const keys = await producer.keys(`${prefix}:*`);
  if (keys.length > 0) await producer.del(keys);
}
