import { Database } from '../../src/platform/database/database.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-keys-spec';

interface Key {
  readonly kid: string;
  readonly key: string;
  readonly [member: string]: unknown;
}

interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

async function ask<T = Record<string, unknown>>(
  { url }: TestServer,
  key: string,
  path: string,
  {
    method = 'GET',
    body,
    headers = {},
  }: { method?: string; body?: object; headers?: Record<string, string> } = {},
): Promise<Answer<T>> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...headers,
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text === '' ? {} : JSON.parse(text)) as T };
}

describe('keys over REST', () => {
  let server: TestServer;
  let other: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: ADMIN });
    const { DATABASE_URL = '', REDIS_PREFIX } = server.settings;
    other = await startTestServer({ ROLE: 'api', DATABASE_URL, REDIS_PREFIX, HOLDFAST_BOOTSTRAP_KEY: ADMIN });
  });
  afterAll(async () => {
    await other.close();
    await server.close();
  });

  const make = async (wish: object = {}, by = ADMIN): Promise<Key> => {
    const body = { name: 'of a test', role: 'viewer', ...wish };
    const answer = await ask<Key>(server, by, '/api/keys', { method: 'POST', body });
    expect(answer.status).toBe(201);
    return answer.body;
  };
  const statusOf = async (key: string, at = server) => (await ask(at, key, '/api/queue/stats')).status;

  it('are made, shown once, and let in at once, in every process', async () => {
    const body = { name: 'shop', role: 'producer', queues: ['default'], grants: ['payloads:read@default'] };
    const made = await ask<Key>(server, ADMIN, '/api/keys', { method: 'POST', body });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe(`/api/keys/${made.body.kid}`);
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect(made.body).toMatchObject({ ...body, tenant: 'default', createdBy: 'bootstrap', state: 'active' });
    const { key, kid } = made.body;
    expect((await ask(server, key, '/api/queue/stats?queue=default')).status).toBe(200);
    expect((await ask(other, key, '/api/queue/stats?queue=default')).status).toBe(200);
    const shown = await ask(server, ADMIN, `/api/keys/${kid}`);
    expect(JSON.stringify(shown.body)).not.toContain(key.split('.')[1]);
    const stored = await server.app.get(Database).query.execute('SELECT * FROM api_keys');
    expect(JSON.stringify(stored.rows)).not.toContain(key.split('.')[1]);
  });

  it.each([
    [{}, 422],
    [{ name: 'x' }, 422],
    [{ role: 'viewer' }, 422],
    [{ name: 'x', role: 'boss' }, 422],
    [{ name: '', role: 'viewer' }, 422],
    [{ name: 'x\u0000', role: 'viewer' }, 422],
    [{ name: 'x', role: 'viewer', tenant: '../x' }, 422],
    [{ name: 'x', role: 'viewer', grants: ['everything'] }, 422],
    [{ name: 'x', role: 'viewer', grants: 'jobs:write' }, 422],
    [{ name: 'x', role: 'viewer', queues: ['a b'] }, 422],
    [{ name: 'x', role: 'viewer', expiresAt: 'soon' }, 422],
    [{ name: 'x', role: 'viewer', expiresAt: '0000-01-01T00:00:00Z' }, 422],
    [{ name: 'x', role: 'viewer', expiresAt: '2030-13-01T00:00:00Z' }, 422],
    [{ name: 'x', role: 'viewer', secret: 'mine' }, 400],
  ])('are not made of %j', async (body, status) => {
    expect((await ask(server, ADMIN, '/api/keys', { method: 'POST', body })).status).toBe(status);
  });

  it('keep to the queues they are limited to, and to what is granted', async () => {
    const limited = await make({ role: 'producer', queues: ['elsewhere'] });
    const granted = await make({ role: 'viewer', grants: ['jobs:write@default'] });
    const job = { type: 'test-job', data: { message: 'x' } };
    const enqueue = async (key: string) =>
      (await ask(server, key, '/api/queue/jobs', { method: 'POST', body: job })).status;
    expect(await enqueue(limited.key)).toBe(403);
    expect(await enqueue(granted.key)).toBe(202);
    expect(await enqueue((await make()).key)).toBe(403);
  });

  it('have two live secrets while callers change over', async () => {
    const old = await make();
    const rotate = (graceSeconds: number) =>
      ask<Key>(server, ADMIN, `/api/keys/${old.kid}/rotate`, { method: 'POST', body: { graceSeconds } });
    const { body: fresh } = await rotate(60);
    expect([await statusOf(old.key), await statusOf(fresh.key)]).toEqual([200, 200]);
    const { body: newest } = await rotate(0);
    expect([await statusOf(old.key), await statusOf(fresh.key), await statusOf(newest.key)]).toEqual([
      401, 401, 200,
    ]);
  });

  it('end with a revocation, here at once and in another process within 30 s', async () => {
    const { key, kid } = await make();
    expect([await statusOf(key), await statusOf(key, other)]).toEqual([200, 200]);
    const revoked = await ask(server, ADMIN, `/api/keys/${kid}/revoke?reason=of a test`, { method: 'POST' });
    expect(revoked).toMatchObject({ status: 200, body: { state: 'revoked' } });
    expect(await statusOf(key)).toBe(401);
    await eventually(async () => expect(await statusOf(key, other)).toBe(401), 30_000);
    const change = { method: 'PATCH', body: { role: 'admin' } };
    expect((await ask(server, ADMIN, `/api/keys/${kid}`, change)).status).toBe(409);
    expect((await ask(server, ADMIN, `/api/keys/${kid}/rotate`, { method: 'POST', body: {} })).status).toBe(
      409,
    );
  }, 40_000);

  it('end by themselves', async () => {
    const { key, kid } = await make({ expiresAt: new Date(Date.now() + 60_000).toISOString() });
    expect(await statusOf(key)).toBe(200);
    const body = { expiresAt: new Date(Date.now() - 1_000).toISOString() };
    const { body: changed } = await ask(server, ADMIN, `/api/keys/${kid}`, { method: 'PATCH', body });
    expect(changed).toMatchObject({ state: 'expired' });
    expect(await statusOf(key)).toBe(401);
  });

  it('change only for whoever has seen what they are', async () => {
    const { kid, key } = await make();
    const seen = (await ask(server, ADMIN, `/api/keys/${kid}`)).headers.get('etag') ?? '';
    const change = (role: string) =>
      ask(server, ADMIN, `/api/keys/${kid}`, {
        method: 'PATCH',
        body: { role },
        headers: { 'if-match': seen },
      });
    expect(await change('producer')).toMatchObject({ status: 200, body: { role: 'producer' } });
    expect((await change('admin')).status).toBe(412);
    expect((await ask(server, key, '/api/keys')).status).toBe(403);
  });

  it('belong to a tenant: its administrator sees and makes no others', async () => {
    const admin = await make({ role: 'admin', tenant: 'acme' });
    const home = await make();
    expect((await ask(server, admin.key, `/api/keys/${home.kid}`)).status).toBe(404);
    const { body: list } = await ask<{ items: { tenant: string }[] }>(server, admin.key, '/api/keys');
    expect(new Set(list.items.map(({ tenant }) => tenant))).toEqual(new Set(['acme']));
    expect(await make({ role: 'viewer' }, admin.key)).toMatchObject({ tenant: 'acme', createdBy: admin.kid });
    const body = { name: 'x', role: 'viewer', tenant: 'default' };
    expect((await ask(server, admin.key, '/api/keys', { method: 'POST', body })).status).toBe(403);
  });

  it('are listed page by page, newest first', async () => {
    for (let count = 0; count < 3; count += 1) await make({ tenant: 'pages' });
    const admin = await make({ tenant: 'pages', role: 'admin' });
    const kids: string[] = [];
    for (let path: string | undefined = '/api/keys?limit=2'; path !== undefined;) {
      const page: Answer<{ items: Key[]; next_cursor: string | null }> = await ask(server, admin.key, path);
      kids.push(...page.body.items.map(({ kid }) => kid));
      path = /<(.+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(kids).toHaveLength(4);
    expect(kids[0]).toBe(admin.kid);
    expect(new Set(kids).size).toBe(4);
  });

  it('note when they were used, and not for every request', async () => {
    const { kid, key } = await make();
    const short = await startTestServer({
      ROLE: 'api',
      DATABASE_URL: server.settings.DATABASE_URL ?? '',
      HOLDFAST_BOOTSTRAP_KEY: ADMIN,
    });
    expect(await statusOf(key, short)).toBe(200);
    expect((await ask(server, ADMIN, `/api/keys/${kid}`)).body).toMatchObject({ lastUsedAt: null });
    // A stop writes what is still to be noted.
    await short.close();
    const { body } = await ask<{ lastUsedAt: string }>(server, ADMIN, `/api/keys/${kid}`);
    expect(Date.now() - Date.parse(body.lastUsedAt)).toBeLessThan(60_000);
  });

  it('are deleted for good', async () => {
    const { kid, key } = await make();
    expect(await statusOf(key)).toBe(200);
    expect((await ask(server, ADMIN, `/api/keys/${kid}?reason=of a test`, { method: 'DELETE' })).status).toBe(
      204,
    );
    expect(await statusOf(key)).toBe(401);
    expect((await ask(server, ADMIN, `/api/keys/${kid}`)).status).toBe(404);
  });
});
