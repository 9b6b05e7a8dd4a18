import { sql } from 'drizzle-orm';
import { Database } from '../../src/platform/database/database.service';
import { eventually } from '../support/eventually';
import { PushBrowser } from '../support/push-browser';
import { PushService, vapidSettings } from '../support/push-service';
import { ServerProcess } from '../support/process';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-web-push-spec';
const PATH = '/api/notifications/subscriptions';

interface Answer {
  readonly status: number;
  readonly link: string | null;
  readonly text: string;
  readonly body: {
    readonly id: string;
    readonly code: string;
    readonly detail: string;
    readonly errors: { readonly pointer: string; readonly detail: string }[];
    readonly items: { readonly id: string; readonly userId: string }[];
    readonly next_cursor: string | null;
    readonly result: { readonly pushJobIds: string[] };
  };
}

async function ask(
  { url }: Pick<TestServer, 'url'>,
  method: string,
  path: string,
  body?: unknown,
  key = ADMIN,
): Promise<Answer> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      prefer: 'wait=20',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const { status, headers } = answer;
  return { status, link: headers.get('link'), text, body: (text ? JSON.parse(text) : {}) as Answer['body'] };
}

const notification = (userId: string) => ({
  type: 'USER_NOTIFICATION',
  data: { userId, title: 'Your export is ready', body: 'It has 2,000 rows.', channels: ['push'] },
});

describe('web push', () => {
  let server: TestServer;
  let worker: ServerProcess;
  let service: PushService;
  const keys = { acme: '', viewer: '', producer: '' };

  beforeAll(async () => {
    service = await PushService.openWithTls();
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: ADMIN, ...service.settings });
    const { home, REDIS_URL = '', REDIS_PREFIX, DATABASE_URL = '' } = server.settings;
    worker = await ServerProcess.start({
      ...service.settings,
      ROLE: 'worker',
      WORKER_QUEUES: 'user-notification,web-push',
      HOLDFAST_HOME: home,
      LOG_LEVEL: 'debug',
      REDIS_URL,
      REDIS_PREFIX,
      DATABASE_URL,
    });
    const keyOf = async (wish: object) =>
      (
        JSON.parse((await ask(server, 'POST', '/api/keys', { name: 'of a test', ...wish })).text) as {
          key: string;
        }
      ).key;
    keys.acme = await keyOf({ role: 'admin', tenant: 'acme' });
    keys.viewer = await keyOf({ role: 'viewer' });
    keys.producer = await keyOf({ role: 'producer' });
  });
  afterAll(async () => {
    worker.signal('SIGKILL');
    await server.close();
    await service.close();
  });

  const call = (method: string, path: string, body?: unknown, key?: string) =>
    ask(server, method, path, body, key);
  const subscribe = async (userId: string, browser: string, key?: string) =>
    call('POST', PATH, { userId, ...service.subscribe(browser) }, key);

  it('reaches a browser that has subscribed with the key of the server, over TLS', async () => {
    const key = await call('GET', '/api/notifications/push-key', undefined, keys.viewer);
    expect([key.status, JSON.parse(key.text)]).toEqual([200, { publicKey: vapidSettings.VAPID_PUBLIC_KEY }]);
    const created = await subscribe('ada', 'ada', keys.producer);
    expect(created.status).toBe(201);
    expect(JSON.parse(created.text)).toEqual({
      id: expect.stringMatching(/^push_[\w-]{22}$/),
      userId: 'ada',
      service: service.origin,
      usable: true,
      expiresAt: null,
      createdAt: expect.any(String),
      renewedAt: expect.any(String),
    });
    const renewed = await subscribe('ada', 'ada');
    expect([renewed.status, renewed.body.id]).toEqual([200, created.body.id]);

    const { status, body } = await call('POST', '/api/queue/jobs', notification('ada'));
    expect(status).toBe(200);
    expect(body.result.pushJobIds).toHaveLength(1);
    await eventually(() => expect(service.of('ada')).toHaveLength(1), 20_000);
    expect(service.of('ada')[0]!.message).toMatchObject({ title: 'Your export is ready', truncated: [] });
    expect(service.refused).toEqual([]);

    // Neither answers, nor rows, nor logs, nor the audit tell where it goes.
    const { endpoint, keys: secrets } = service.subscribe('ada');
    const { query } = server.app.get(Database);
    const rows = await query.execute(sql`SELECT * FROM push_subscriptions`);
    const audit = await call('GET', '/api/queue/audit');
    expect(audit.text).toContain('notifications.subscribe');
    const list = await call('GET', PATH);
    const told = [created.text, list.text, JSON.stringify(rows.rows), audit.text, worker.output].join('\n');
    for (const secret of [new URL(endpoint).pathname, secrets.p256dh, secrets.auth]) {
      expect(told).not.toContain(secret);
    }
  }, 60_000);

  it('lists subscriptions in pages, and removes them', async () => {
    const made = [];
    for (const name of ['b-1', 'b-2', 'b-3']) made.push((await subscribe('bob', name)).body.id);
    const first = await call('GET', `${PATH}?userId=bob&limit=2`, undefined, keys.viewer);
    expect(first.body.items.map(({ id }) => id)).toEqual(made.slice(0, 2));
    expect(first.link).toBe(`<${PATH}?limit=2&userId=bob&cursor=${first.body.next_cursor}>; rel="next"`);
    const second = await call('GET', `${PATH}?userId=bob&limit=2&cursor=${first.body.next_cursor}`);
    expect([second.body.items.map(({ id }) => id), second.body.next_cursor]).toEqual([made.slice(2), null]);
    expect((await call('DELETE', `${PATH}/${made[0]}`, undefined, keys.viewer)).status).toBe(403);
    expect((await call('DELETE', `${PATH}/${made[0]}`, undefined, keys.producer)).status).toBe(204);
    const again = await call('DELETE', `${PATH}/${made[0]}`);
    expect([again.status, again.body.code]).toEqual([404, 'push_subscription_not_found']);
    expect((await call('GET', `${PATH}?userId=bob`)).body.items).toHaveLength(2);
  });

  it('keeps tenants apart, also where they have the same browser', async () => {
    const mine = await subscribe('carol', 'carol');
    const theirs = await subscribe('carol', 'carol', keys.acme);
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.body.id).not.toBe(mine.body.id);
    const { items } = (await call('GET', PATH, undefined, keys.acme)).body;
    expect(items.map(({ id }) => id)).toEqual([theirs.body.id]);
    expect((await call('DELETE', `${PATH}/${mine.body.id}`, undefined, keys.acme)).status).toBe(404);
  });

  const good = PushBrowser.create().subscription('https://push.example.com/abc');
  const keysWith = (more: object) => ({ keys: { ...good.keys, ...more } });
  const point = Buffer.from(good.keys.p256dh, 'base64url');
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(point);
    change(bytes);
    return bytes.toString('base64url');
  };

  it.each<[string, object, string, number]>([
    ['an address over http', { endpoint: 'http://push.example.com/abc' }, '#/endpoint', 422],
    ['another scheme', { endpoint: 'ftp://push.example.com/abc' }, '#/endpoint', 422],
    ['no address', { endpoint: 'push' }, '#/endpoint', 422],
    ['a long address', { endpoint: `https://push.example.com/${'a'.repeat(2_048)}` }, '#/endpoint', 422],
    ['an address with a password', { endpoint: 'https://a:b@push.example.com/abc' }, '#/endpoint', 422],
    ['an internal address', { endpoint: 'https://10.0.0.1/abc' }, '#/endpoint', 422],
    ['one in disguise', { endpoint: 'https://0xA9FEA9FE/latest' }, '#/endpoint', 422],
    ['one in IPv6', { endpoint: 'https://[::ffff:10.0.0.1]/abc' }, '#/endpoint', 422],
    ['a port that is not allowed', { endpoint: 'https://push.example.com:6379/abc' }, '#/endpoint', 422],
    ['no keys', { keys: null }, '#/keys', 422],
    ['a list of keys', { keys: [good.keys] }, '#/keys', 422],
    ['a short key', keysWith({ p256dh: good.keys.p256dh.slice(1) }), '#/keys/p256dh', 422],
    ['a key with padding', keysWith({ p256dh: `${good.keys.p256dh}=` }), '#/keys/p256dh', 422],
    ['a compressed key', keysWith({ p256dh: changed((bytes) => bytes.writeUInt8(2)) }), '#/keys/p256dh', 422],
    [
      'a key beside the curve',
      keysWith({ p256dh: changed((bytes) => (bytes[64]! ^= 1)) }),
      '#/keys/p256dh',
      422,
    ],
    ['the zero point', keysWith({ p256dh: changed((bytes) => bytes.fill(0, 1)) }), '#/keys/p256dh', 422],
    ['a short secret', keysWith({ auth: 'AAAA' }), '#/keys/auth', 422],
    ['a secret that is no text', keysWith({ auth: {} }), '#/keys/auth', 422],
    ['a further key', keysWith({ other: 'x' }), '#/keys/other', 400],
    ['a time that is over', { expirationTime: 1 }, '#/expirationTime', 422],
    ['no time', { expirationTime: 'soon' }, '#/expirationTime', 422],
    ['a time after all times', { expirationTime: 8.64e15 }, '#/expirationTime', 422],
    ['no user', { userId: '' }, '#/userId', 422],
    ['half a character', { userId: '\ud800' }, '#/userId', 422],
    ['a field that does not exist', { tenant: 'acme' }, '#/tenant', 400],
  ])('refuses %s, and names the field', async (_what, wrong, pointer, status) => {
    const answer = await call('POST', PATH, { userId: 'mallory', ...good, ...wrong });
    expect([answer.status, answer.body.errors?.map((one) => one.pointer)]).toEqual([status, [pointer]]);
    expect(answer.text).not.toContain(good.keys.auth);
  });

  it.each(['userId=', 'userId=a%00b', 'cursor=nonsense', 'limit=0'])(
    'answers the question "%s" with 400',
    async (question) => {
      expect((await call('GET', `${PATH}?${question}`)).status).toBe(400);
    },
  );
});

describe('web push that is not set up', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: ADMIN });
  });
  afterAll(() => server.close());

  it('is refused, and says what is missing', async () => {
    const subscription = PushBrowser.create().subscription('https://push.example.com/abc');
    for (const [method, path, body] of [
      ['GET', '/api/notifications/push-key', undefined],
      ['POST', PATH, { userId: 'ada', ...subscription }],
    ] as const) {
      const answer = await ask(server, method, path, body);
      expect([answer.status, answer.body.code]).toEqual([409, 'push_not_configured']);
      expect(answer.body.detail).toContain('VAPID_PUBLIC_KEY');
    }
    const { status, body } = await ask(server, 'POST', '/api/queue/jobs', notification('ada'));
    expect([status, body.code]).toEqual([422, 'job_payload_invalid']);
    expect(body.errors).toEqual([
      expect.objectContaining({
        pointer: '#/data/channels',
        detail: expect.stringContaining('VAPID_PUBLIC_KEY'),
      }),
    ]);
    expect((await ask(server, 'GET', PATH)).body.items).toEqual([]);
  });
});
