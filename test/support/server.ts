import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/config/read-settings';
import type { Settings } from '../../src/config/settings';
import { createServer, startServer } from '../../src/server';
import { createTestDatabase } from './database';
import { asHoldfastUser } from './redis-user';

export interface TestServer {
  readonly url: string;
  readonly app: NestFastifyApplication;
  readonly settings: Settings;
  close(): Promise<void>;
}

/**
 * A server of this process on a free port, with a Redis prefix, a database and a home of its own. In Redis it is the
 * user of `deploy/redis/users.acl`, who may do what a server needs and nothing else.
 */
export async function startTestServer(overrides: Record<string, string> = {}): Promise<TestServer> {
  const home = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  const database = overrides['DATABASE_URL'] === undefined ? await createTestDatabase() : undefined;
  const redisUrl = process.env['TEST_REDIS_URL'] ?? '';
  const prefix = overrides['REDIS_PREFIX'] ?? `test-${randomBytes(6).toString('hex')}`;
  const isRestricted = process.env['TEST_REDIS_ACL'] !== '0' && overrides['REDIS_URL'] === undefined;
  const settings = readSettings({
    NODE_ENV: 'test',
    PORT: '0',
    HOLDFAST_HOME: home,
    LOG_LEVEL: 'silent',
    REDIS_URL: isRestricted ? await asHoldfastUser(redisUrl, prefix) : redisUrl,
    REDIS_PREFIX: prefix,
    DATABASE_URL: database?.url,
    SHUTDOWN_TIMEOUT_MS: '5000',
    ...overrides,
  });
  const app = await createServer(settings);
  const close = async () => {
    await app.close();
    await removeKeys(settings);
    await database?.drop();
    await rm(home, { recursive: true, force: true });
  };
  try {
    const url = (await startServer(app, settings)).replace('localhost', '127.0.0.1');
    return { url, app, settings, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function removeKeys({ REDIS_PREFIX }: Settings): Promise<void> {
  const redis = new Redis(process.env['TEST_REDIS_URL'] ?? '');
  const keys = await redis.keys(`${REDIS_PREFIX}:*`);
  if (keys.length > 0) await redis.del(keys);
  redis.disconnect();
}
