import { createServer, type AddressInfo } from 'node:net';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { openPrivateStores, type PrivateStores } from '../../src/platform/private-stores/private-stores';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { eventually } from '../support/eventually';
import { startTestServer } from '../support/server';
import { ValidationClient } from '../support/validation-client';
import { runScript } from './script-run';

const REDIS_URL = process.env['TEST_REDIS_URL'] ?? '';
const fiveLines = [
  '✓ Successfully connected to Redis',
  '✓ Redis client ready',
  '✓ PING test: PONG',
  '✓ SET/GET test: PASSED',
  '✓ Redis is working correctly!',
];
const status = (waiting: number, active: number, completed: number, failed: number) => [
  'Queue Status:',
  `  Waiting: ${waiting}`,
  `  Active: ${active}`,
  `  Completed: ${completed}`,
  `  Failed: ${failed}`,
];

describe('npm run redis:test', () => {
  let home = '';

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'holdfast-contract-'));
    await chmod(home, 0o711);
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  const test = (settings: Record<string, string>) =>
    runScript('test-redis.mjs', [], { HOLDFAST_HOME: home, ...settings });

  it('prints the five lines of document 002, for an URL and for parts, and leaves nothing in Redis', async () => {
    const prefix = 'test-redis-script';
    const { hostname, port, password } = new URL(REDIS_URL);
    const parts = { REDIS_HOST: hostname, REDIS_PORT: port, REDIS_PASSWORD: password };
    for (const settings of [{ REDIS_URL }, parts]) {
      expect(await test({ ...settings, REDIS_PREFIX: prefix })).toEqual({
        code: 0,
        lines: fiveLines,
        errors: '',
      });
    }
    const redis = new Redis(REDIS_URL);
    expect(await redis.keys(`${prefix}:*`)).toEqual([]);
    redis.disconnect();
  });

  it('takes the private Redis of the home without settings, and says so when that is away', async () => {
    const unused = await test({});
    expect(unused).toMatchObject({ code: 1, lines: [], errors: expect.stringContaining('npm start') });
    let stores: PrivateStores | undefined;
    try {
      stores = await openPrivateStores({ home, redis: true, database: false, log: () => undefined });
      expect(await test({})).toEqual({ code: 0, lines: fiveLines, errors: '' });
    } finally {
      await stores?.close();
    }
    const stopped = await test({});
    expect(stopped).toMatchObject({ code: 1, lines: [] });
    expect(stopped.errors).toMatch(
      /^The private Redis of .* cannot be used .*: start the server with npm start\.$/,
    );
  });

  it('ends in one sentence and exit code 1 when Redis is away, refuses or never answers, and shows no password', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await eventually(() => expect(silent.listening).toBe(true));
    const wrong = Object.assign(new URL(REDIS_URL), { password: 'not-the-password' });
    const mute = `redis://:not-the-password@127.0.0.1:${(silent.address() as AddressInfo).port}`;
    for (const url of ['redis://127.0.0.1:1', wrong.href, mute]) {
      const { code, lines, errors } = await test({ REDIS_URL: url });
      expect([url, code, lines]).toEqual([url, 1, []]);
      expect(errors).toMatch(
        /^Redis at 127\.0\.0\.1:\d+ cannot be used \(.+\): start it, or correct the settings\.$/,
      );
      expect(errors).not.toContain('not-the-password');
    }
    silent.close();
  });
});

describe('npm run queue:monitor', () => {
  it('prints the block of document 002, for queue validation unless another is named', async () => {
    const server = await startTestServer({ ROLE: 'api' });
    const { REDIS_PREFIX } = server.settings;
    const monitor = (...args: string[]) => runScript('monitor-queue.mjs', args, { REDIS_URL, REDIS_PREFIX });
    try {
      await new ValidationClient(server.url).upload('id\n1\n');
      await eventually(async () => expect((await monitor()).lines).toEqual(status(1, 0, 0, 0)), 20_000);
      const dispatcher = server.app.get(JobDispatcher);
      for (const shouldFail of [false, true, false]) {
        await dispatcher.dispatch('test-job', { message: 'x', shouldFail }, { attempts: 1 });
      }
      await server.app.get(WorkerRunner).processNext('default');
      await server.app.get(WorkerRunner).processNext('default');
      expect(await monitor('--queue', 'default')).toEqual({ code: 0, lines: status(1, 0, 1, 1), errors: '' });
      const unknown = await monitor('--queue', 'nope');
      expect(unknown).toMatchObject({ code: 0, lines: status(0, 0, 0, 0) });
      expect(unknown.errors).toContain('"nope"');
      expect((await monitor('--colour')).code).toBe(1);
    } finally {
      await server.close();
    }
  }, 60_000);
});
