import { RedisProcess } from '../support/redis-process';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-limits-spec';
const JOBS = '/api/queue/jobs';
const note = (at: number) => ({ type: 'test-job', data: { message: `number ${at}` } });

interface Key {
  readonly kid: string;
  readonly key: string;
}

async function send(
  url: string,
  key: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const answer = await fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...headers,
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  return { status: answer.status, headers: answer.headers, body: json };
}

describe('what a key may do in a while', () => {
  const servers: TestServer[] = [];

  beforeAll(async () => {
    const first = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: ADMIN });
    const { REDIS_PREFIX, DATABASE_URL } = first.settings;
    const second = await startTestServer({
      ROLE: 'api',
      HOLDFAST_BOOTSTRAP_KEY: ADMIN,
      REDIS_PREFIX,
      DATABASE_URL: DATABASE_URL ?? '',
    });
    servers.push(first, second);
  });
  afterAll(async () => {
    for (const server of servers.toReversed()) await server.close();
  });

  const url = (at = 0) => servers[at % servers.length]!.url;
  const keyWith = async (limits: object): Promise<Key> => {
    const wish = { name: 'of a test', role: 'admin', ...limits };
    return (await send(url(), ADMIN, '/api/keys', wish)).body as unknown as Key;
  };
  const waiting = async (key: string) => (await send(url(), key, '/api/queue/stats')).body['waiting'];

  it('is held exactly by several processes together, whatever address a caller says to come from', async () => {
    const { key } = await keyWith({ jobsPerMinute: 25 });
    const before = Number(await waiting(key));
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        send(url(at), key, JOBS, note(at), {
          'x-forwarded-for': `10.0.0.${at}`,
          forwarded: `for=10.1.0.${at}`,
        }),
      ),
    );
    const counted = (status: number) => answers.filter((answer) => answer.status === status).length;
    process.stdout.write(
      `A06 sent=100 accepted=${counted(202)} refused=${counted(429)} limit=25 processes=2\n`,
    );
    expect([counted(202), counted(429)]).toEqual([25, 75]);
    expect(Number(await waiting(key)) - before).toBe(25);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.body).toMatchObject({ code: 'rate_limited', retryable: true });
    expect(refused.headers.get('ratelimit-policy')).toBe('"jobs";q=25;w=60');
    expect(refused.headers.get('ratelimit')).toMatch(/^"jobs";r=0;t=\d+$/);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30);
    // Another key has a limit of its own, and none here.
    expect((await send(url(), ADMIN, JOBS, note(0))).status).toBe(202);
  }, 60_000);

  it('gives a key its share of the event streams and no more', async () => {
    const { key } = await keyWith({});
    const form = new FormData();
    form.append('file', new Blob(['id\n1\n']), 'a.csv');
    const headers = { authorization: `Bearer ${key}` };
    const upload = await fetch(`${url()}/api/validations`, { method: 'POST', headers, body: form });
    const { validationId } = (await upload.json()) as { validationId: string };
    const ended = new AbortController();
    const follow = (sent = headers) =>
      fetch(`${url()}/api/validations/${validationId}/events`, { headers: sent, signal: ended.signal });
    try {
      const followed = await Promise.all(Array.from({ length: 20 }, () => follow()));
      expect(new Set(followed.map(({ status }) => status))).toEqual(new Set([200]));
      const refused = await follow();
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
        429,
        'rate_limited',
      ]);
      expect((await follow({ authorization: `Bearer ${ADMIN}` })).status).toBe(200);
    } finally {
      ended.abort();
    }
  });

  it('counts each job of a batch, refuses one that does not fit as a whole, and no repeated answer', async () => {
    const { key } = await keyWith({ jobsPerMinute: 5 });
    const before = Number(await waiting(key));
    const batch = (count: number) => ({ jobs: Array.from({ length: count }, (_, at) => note(at)) });
    const first = await send(url(), key, `${JOBS}/batch`, batch(3), { 'idempotency-key': 'one' });
    expect([first.status, first.headers.get('ratelimit')]).toEqual([
      202,
      expect.stringContaining('"jobs";r=2'),
    ]);
    expect((await send(url(1), key, `${JOBS}/batch`, batch(3))).status).toBe(429);
    expect(await send(url(1), key, `${JOBS}/batch`, batch(3), { 'idempotency-key': 'one' })).toMatchObject({
      status: 202,
      body: first.body,
    });
    const { detail } = (await send(url(1), key, `${JOBS}/batch`, batch(4))).body;
    expect(detail).toContain('2 more fit');
    expect((await send(url(1), key, `${JOBS}/batch`, batch(2))).status).toBe(202);
    expect((await send(url(), key, JOBS, note(1))).status).toBe(429);
    // What is wrong in itself costs nothing.
    expect((await send(url(), key, JOBS, { type: 'test-job', data: {} })).status).toBe(422);
    expect(Number(await waiting(key)) - before).toBe(5);
  });

  it('tells what never fits from what does not fit now: another status, the field, the limit and the way out', async () => {
    const { key } = await keyWith({ jobsPerMinute: 4 });
    const notes = (count: number) => Array.from({ length: count }, (_, at) => note(at));
    const items = (count: number) => Array.from({ length: count }, (_, at) => ({ guid: `${at}` }));
    for (const [path, pointer, body] of [
      [`${JOBS}/batch`, '#/jobs', { jobs: notes(5) }],
      [`${JOBS}/batch`, '#/jobs', { jobs: [...notes(5), {}], partial: true }],
      ['/api/imports/start', '#/items', { source: 'limited', items: items(5) }],
    ] as const) {
      const answer = await send(url(), key, path, body);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([422, null]);
      expect(answer.body).toMatchObject({ code: 'validation_failed', retryable: false });
      expect(answer.body['errors']).toEqual([
        {
          pointer,
          code: 'jobsPerMinute',
          detail: 'makes 5 jobs; this key may store 4 a minute: send at most 4 at once',
        },
      ]);
    }
    // None of it was counted.
    expect((await send(url(1), key, `${JOBS}/batch`, { jobs: notes(4) })).status).toBe(202);
    const later = await send(url(), key, `${JOBS}/batch`, { jobs: notes(4) });
    expect([later.status, Number(later.headers.get('retry-after')) > 0]).toEqual([429, true]);
  });

  it('bounds the requests of a second, tells what is left, and follows a change of the key', async () => {
    const { kid, key } = await keyWith({ requestsPerSecond: 3 });
    const startedAt = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, at) => send(url(at), key, '/api/queues')),
    );
    const windows = Math.ceil((performance.now() - startedAt) / 1_000) + 1;
    const allowed = answers.filter(({ status }) => status === 200);
    expect(allowed.length).toBeGreaterThanOrEqual(3);
    expect(allowed.length).toBeLessThanOrEqual(3 * windows);
    expect(answers.filter(({ status }) => status !== 200).map(({ status }) => status)).not.toContain(503);
    expect(allowed[0]!.headers.get('ratelimit-policy')).toBe('"requests";q=3;w=1');
    expect(answers.find(({ status }) => status === 429)!.headers.get('retry-after')).toBe('1');

    const change = await fetch(`${url()}/api/keys/${kid}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ requestsPerSecond: 0 }),
    });
    expect(await change.json()).toMatchObject({ requestsPerSecond: 0, jobsPerMinute: null });
    const free = await Promise.all(Array.from({ length: 30 }, () => send(url(), key, '/api/queues')));
    expect(new Set(free.map(({ status }) => status))).toEqual(new Set([200]));
    expect(free[0]!.headers.get('ratelimit')).toBeNull();
  });

  it('says which limit a key cannot have', async () => {
    for (const wrong of [-1, 1.5, 1e20, '5', true]) {
      const { status, body } = await send(url(), ADMIN, '/api/keys', {
        name: 'x',
        role: 'viewer',
        requestsPerSecond: wrong,
      });
      expect([status, body['code']]).toEqual([422, 'validation_failed']);
    }
  });
});

describe('while Redis is away', () => {
  it('each process counts by itself, so that reads go on and nobody gets more of them', async () => {
    const redis = await RedisProcess.start();
    const server = await startTestServer({
      ROLE: 'api',
      HOLDFAST_BOOTSTRAP_KEY: ADMIN,
      REDIS_URL: redis.url,
      LIMIT_REQUESTS_PER_SECOND: '5',
    });
    try {
      await redis.kill();
      const startedAt = performance.now();
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => send(server.url, ADMIN, '/api/keys')),
      );
      const statuses = new Set(answers.map(({ status }) => status));
      expect(statuses).toEqual(new Set([200, 429]));
      const windows = Math.ceil((performance.now() - startedAt) / 1_000) + 1;
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(5 * windows);
    } finally {
      await redis.start();
      await server.close();
      await redis.remove();
    }
  });
});
