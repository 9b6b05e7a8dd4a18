import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newKeyId, newSecret, writeKey } from '../../src/platform/auth/api-key';
import { ApiKeyStore } from '../../src/platform/auth/api-key.store';
import { NoKeyError } from '../../src/platform/auth/listen-address';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { ServerProcess } from '../support/process';
import { startTestServer, type TestServer } from '../support/server';
import { TcpProxy } from '../support/tcp-proxy';

const paths = [
  '/api/queue/stats',
  '/api/queues',
  '/api/validations',
  '/api/keys',
  '/openapi.json',
  '/docs',
  '/admin/queues',
  '/admin/queues/api/queues',
];

async function makeKey(server: TestServer): Promise<string> {
  const key = { kid: newKeyId(), secret: newSecret() };
  const row = {
    kid: key.kid,
    tenant: 'default',
    name: 'x',
    role: 'admin',
    grants: [],
    createdBy: 'test',
  } as const;
  await server.app.get(ApiKeyStore).create({ ...row, grants: [] }, key.secret);
  return writeKey(key);
}

const statusOf = async (server: { url: string }, path: string, key?: string) => {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const answer = await fetch(`${server.url}${path}`, { headers, redirect: 'manual' });
  await answer.arrayBuffer();
  return answer.status;
};

describe('a server without a key of its settings', () => {
  it('is open to this machine until the first key, and closed from then on', async () => {
    const server = await startTestServer({ ROLE: 'api' });
    const server2 = await startTestServer({ ROLE: 'api', DATABASE_URL: server.settings.DATABASE_URL ?? '' });
    try {
      for (const path of paths) expect([path, await statusOf(server, path)]).toEqual([path, 200]);
      const made = await fetch(`${server.url}/api/keys`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'the first', role: 'admin' }),
      });
      const { key, kid } = (await made.json()) as { key: string; kid: string };
      for (const path of paths) {
        expect([path, await statusOf(server, path)]).toEqual([path, 401]);
        expect([path, await statusOf(server, path, key)]).toEqual([path, 200]);
      }
      expect(await statusOf(server, '/health/live')).toBe(200);
      await eventually(async () => expect(await statusOf(server2, '/api/queues')).toBe(401), 15_000);
      // Not even without any key does it open again by itself.
      const auth = { authorization: `Bearer ${key}` };
      expect(
        (await fetch(`${server.url}/api/keys/${kid}?reason=of a test`, { method: 'DELETE', headers: auth }))
          .status,
      ).toBe(204);
      expect(await statusOf(server, '/api/queues')).toBe(401);
      const later = await startTestServer({ ROLE: 'api', DATABASE_URL: server.settings.DATABASE_URL ?? '' });
      expect(await statusOf(later, '/api/queues')).toBe(401);
      await later.close();
    } finally {
      await server2.close();
      await server.close();
    }
  });

  describe('in production', () => {
    let database: TestDatabase;
    let home: string;
    const settings = () => ({
      NODE_ENV: 'production',
      HOLDFAST_HOME: home,
      REDIS_URL: process.env['TEST_REDIS_URL'] ?? '',
      REDIS_PREFIX: 'closed-spec',
      DATABASE_URL: database.url,
      ROLE: 'api',
    });
    beforeAll(async () => {
      database = await createTestDatabase();
      home = await mkdtemp(join(tmpdir(), 'holdfast-closed-'));
    });
    afterAll(async () => {
      await database.drop();
      await rm(home, { recursive: true, force: true });
    });

    it('does not start, and says how to make the first key; with one it does', async () => {
      const refused = new ServerProcess(settings());
      expect((await refused.exit(60_000)).code).toBe(1);
      expect(refused.output).toContain('In production nothing is served without a key');
      expect(refused.output).toContain('npm run keys:create -- --role admin');
      expect(refused.output).not.toMatch(/\bat .*\.js:/);
      const helper = await startTestServer({ ROLE: 'api', DATABASE_URL: database.url });
      const key = await makeKey(helper);
      await helper.close();
      const server = await ServerProcess.start(settings());
      expect(await statusOf(server, '/api/queues')).toBe(401);
      expect(await statusOf(server, '/api/queues', key)).toBe(200);
      server.signal('SIGTERM');
      expect((await server.exit(60_000)).code).toBe(0);
    }, 120_000);
  });

  it('refuses to listen further than this machine', async () => {
    await expect(startTestServer({ ROLE: 'api', HOST: '0.0.0.0' })).rejects.toThrow(NoKeyError);
  });
});

describe('while the database is away', () => {
  it('known keys go on, unknown ones are told to come back, and wrong ones of a known key are wrong', async () => {
    const database = await createTestDatabase();
    const url = new URL(database.url);
    const proxy = await TcpProxy.start(Number(url.port));
    url.port = String(proxy.port);
    const server = await startTestServer({ ROLE: 'api', DATABASE_URL: url.href });
    try {
      const [known, unknown] = [await makeKey(server), await makeKey(server)];
      await eventually(async () => expect(await statusOf(server, '/api/queues')).toBe(401), 15_000);
      expect(await statusOf(server, '/api/queues', known)).toBe(200);
      await proxy.close();
      expect(await statusOf(server, '/api/queues', known)).toBe(200);
      expect(await statusOf(server, '/api/queues', unknown)).toBe(503);
      expect(await statusOf(server, '/api/queues', 'no key at all')).toBe(401);
      expect(await statusOf(server, '/api/queues')).toBe(401);
      expect(await statusOf(server, '/health/live', unknown)).toBe(200);
    } finally {
      await server.close();
      await proxy.close();
      await database.drop();
    }
  }, 120_000);

  it('a server that never learnt whether there are keys lets nobody in', async () => {
    const server = await startTestServer({ ROLE: 'api', DATABASE_URL: 'postgres://x:y@127.0.0.1:1/nowhere' });
    try {
      for (const path of paths) expect([path, await statusOf(server, path)]).toEqual([path, 503]);
      expect(await statusOf(server, '/health/live')).toBe(200);
    } finally {
      await server.close();
    }
  });
});
