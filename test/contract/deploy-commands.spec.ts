import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { load, YAML11_SCHEMA } from 'js-yaml';
import { findFreePort } from '../../src/platform/private-stores/free-port';
import { findRedisProgram } from '../../src/platform/private-stores/redis-program';
import { eventually } from '../support/eventually';

const root = resolve(__dirname, '../..');
const password = 'a-redis-password';

/** What the container of the service `redis` runs. */
async function composeCommand(): Promise<string[]> {
  const text = await readFile(join(root, 'docker-compose.yml'), 'utf8');
  const { services } = load(text, { schema: YAML11_SCHEMA }) as {
    services: { redis: { command: string[] } };
  };
  return services.redis.command.map((word) => word.replace(/^\$\{REDIS_PASSWORD:.*\}$/, password));
}

describe('the command of docker-compose.yml for Redis, run without a container', () => {
  it('starts a Redis with persistence, a password and a memory policy that loses no job', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-contract-'));
    const port = await findFreePort();
    const [, ...args] = await composeCommand();
    const { file, env } = await findRedisProgram(directory);
    const place = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory];
    const server = spawn(file, [...args, ...place], { env, stdio: 'ignore' });
    const ended = once(server, 'exit');
    const client = new Redis({ port, password, retryStrategy: () => 100, disconnectTimeout: 100 });
    const stranger = new Redis({
      port,
      lazyConnect: true,
      retryStrategy: () => null,
      disconnectTimeout: 100,
    });
    client.on('error', () => undefined);
    stranger.on('error', () => undefined);
    try {
      await eventually(() => expect(client.status).toBe('ready'), 10_000);
      const wanted = {
        appendonly: 'yes',
        appendfsync: 'everysec',
        'maxmemory-policy': 'noeviction',
        'hash-max-listpack-value': '512',
      };
      for (const [name, value] of Object.entries(wanted)) {
        expect(await client.config('GET', name)).toEqual([name, value]);
      }
      await expect(stranger.ping()).rejects.toThrow();
    } finally {
      client.disconnect();
      stranger.disconnect();
      server.kill();
      await ended;
      await rm(directory, { recursive: true, force: true });
    }
  });
});
