import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oldFile, oldFiles } from '../integration/tasks/cleanup-tree';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { ServerProcess } from '../support/process';

const FILES = 10_000;

describe('a cleanup whose server is killed', () => {
  const prefix = `test-${randomBytes(6).toString('hex')}`;
  const servers: ServerProcess[] = [];
  let place: string;
  let database: TestDatabase;

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'holdfast-cleanup-killed-'));
    database = await createTestDatabase();
  });
  afterAll(async () => {
    for (const server of servers) await server.kill();
    await database.drop();
    await rm(place, { recursive: true });
    const redis = new Redis(process.env['TEST_REDIS_URL'] ?? '');
    const keys = await redis.keys(`${prefix}:*`);
    if (keys.length > 0) await redis.del(keys);
    redis.disconnect();
  });

  const start = async () => {
    const server = await ServerProcess.start({
      HOLDFAST_HOME: place,
      REDIS_URL: process.env['TEST_REDIS_URL'] ?? '',
      REDIS_PREFIX: prefix,
      DATABASE_URL: database.url,
      LOG_LEVEL: 'warn',
    });
    servers.push(server);
    return server;
  };

  it('is done by the next start, and nothing else is', async () => {
    const [root, outside] = [join(place, 'tmp'), join(place, 'outside')];
    for (const folder of [join(root, 'a'), outside]) await mkdir(folder, { recursive: true });
    oldFiles(FILES, join(root, 'a'));
    await oldFile(outside, 'file');
    await symlink(outside, join(root, 'link'));
    const first = await start();
    const response = await fetch(`${first.url}/api/queue/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'CLEANUP', data: { targetType: 'temp_files', olderThan: 3_600_000 } }),
    });
    const { id } = (await response.json()) as { id: string };
    const left = async () => (await readdir(join(root, 'a')).catch(() => [])).length;
    await eventually(async () => expect(await left()).toBeLessThan(FILES), 10_000);
    await first.kill();
    expect(await left()).toBeGreaterThan(0);
    const second = await start();
    await eventually(async () => {
      const job = await (await fetch(`${second.url}/api/queue/jobs/${id}`)).json();
      expect(job).toMatchObject({ state: 'completed', result: { isCut: false } });
    }, 60_000);
    expect(await readdir(root)).toEqual(['link']);
    expect(await readdir(outside)).toEqual(['file']);
  }, 120_000);
});
