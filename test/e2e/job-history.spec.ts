import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

describe('the history of jobs over HTTP', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  async function call(path: string, method = 'GET', body?: unknown): Promise<Answer> {
    const response = await fetch(`${server.url}${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
  }

  async function enqueue(data: object, options: object = {}): Promise<string> {
    const { status, body } = await call('/api/queue/jobs', 'POST', { type: 'test-job', data, options });
    expect(status).toBe(202);
    return String(body['id']);
  }
  const list = (query: string) => call(`/api/queue/jobs?${query}`);
  const items = ({ body }: Answer) => body['items'] as Record<string, unknown>[];
  const idsOf = (answer: Answer) => items(answer).map(({ id }) => id);
  const finds = (query: string, ids: readonly string[]) =>
    eventually(async () => expect(new Set(idsOf(await list(query)))).toEqual(new Set(ids)), 10_000);

  /** As retention does in the end, at once. */
  async function dropFromRedis(id: string): Promise<void> {
    const { producer } = server.app.get(RedisConnections);
    const base = `${server.settings.REDIS_PREFIX}:default`;
    await producer
      .multi()
      .zrem(`${base}:completed`, id)
      .zrem(`${base}:failed`, id)
      .del(`${base}:${id}`)
      .exec();
  }

  it('finds jobs by key, tag, payload field, state, error text, error group, time and the beginning of an id', async () => {
    const before = new Date().toISOString();
    const good = await enqueue({ message: 'order-1' }, { jobId: 'key/1', tags: ['north', 'vip'] });
    const bad = await enqueue({ message: 'order-2', shouldFail: true }, { attempts: 1, tags: ['north'] });
    const later = await enqueue({ message: 'order-3' }, { delay: 3_600_000 });
    await finds('state=failed&include=error', [bad]);
    await finds('key=key/1', [good]);
    await finds('tag=north', [good, bad]);
    await finds('tag=north,vip', [good]);
    await finds('payload.message=order-2', [bad]);
    await finds('state=delayed', [later]);
    await finds('state=completed,failed&queue=default&type=test-job', [good, bad]);
    await finds(`q=${good.slice(0, 20)}`, [good]);
    await finds('q=key/', [good]);
    // Of one queue: what died is soon a job of the error monitor, too.
    await finds(`queue=default&from=${before}`, [good, bad, later]);
    await finds(`queue=default&to=${before}`, []);
    const failed = items(await list('state=failed&include=error,result'))[0]!;
    expect(failed).toMatchObject({ id: bad, key: null, state: 'failed', done: true, tags: ['north'] });
    const { message } = failed['error'] as { message: string };
    await finds(`q=${encodeURIComponent(message.slice(2, 9).toUpperCase())}`, [bad]);
    await finds(`errorGroup=${String(failed['errorGroup'])}`, [bad]);
    // Without being asked for, neither results nor errors are shown; payloads never are.
    const plain = await list(`from=${before}`);
    expect(JSON.stringify(plain.body)).not.toMatch(/"(result|error|data|stack)"/);
    expect(items(await list('key=key/1&include=result'))[0]).toHaveProperty('result');
  });

  it('lists page by page, the newest first, each job once', async () => {
    const ids: string[] = [];
    for (let number = 0; number < 7; number += 1) {
      ids.push(await enqueue({ message: 'page' }, { delay: 3_600_000, tags: ['paged'] }));
    }
    await finds('tag=paged', ids);
    const seen: string[] = [];
    for (let path = '/api/queue/jobs?tag=paged&limit=3&state=delayed'; path !== '';) {
      const { body, headers } = await call(path);
      seen.push(...(body['items'] as { id: string }[]).map(({ id }) => id));
      const next = /^<(.+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1] ?? '';
      expect(next === '').toBe(body['next_cursor'] === null);
      path = next;
    }
    expect(seen).toEqual(ids.toReversed());
  });

  it.each([
    ['state=lost', '?state'],
    ['limit=0', '?limit'],
    ['limit=many', '?limit'],
    ['from=yesterday', '?from'],
    ['q=ab', '?q'],
    ['q=a%00bc', '?q'],
    ['errorGroup=zzz', '?errorGroup'],
    ['include=payload', '?include'],
    ['tag=a%20b', '?tag'],
    ['queue=a.b', '?queue'],
    ['payload.secret=1', '?payload.secret'],
    ['payload.__proto__=1', '?payload.__proto__'],
    ['payload.message=1&payload.message=2', '?payload.message'],
    ['nonsense=1', '?nonsense'],
  ])('refuses the query %s', async (query, pointer) => {
    const refused = await list(query);
    expect(refused.status).toBe(400);
    expect(refused.body['errors']).toMatchObject([{ pointer }]);
  });

  it.each([
    'x',
    'bnVsbA',
    Buffer.from('[1,2]').toString('base64url'),
    Buffer.from('[1e99,"a"]').toString('base64url'),
  ])('refuses the cursor %s', async (cursor) => {
    expect(await list(`cursor=${cursor}`)).toMatchObject({ status: 400, body: { code: 'cursor_invalid' } });
  });

  it('tells the same of a job after it has left Redis', async () => {
    const id = await enqueue({ message: 'kept' }, { jobId: 'kept', attempts: 1 });
    const failing = await enqueue({ message: 'x', shouldFail: true }, { attempts: 1 });
    for (const one of [id, failing]) {
      await eventually(async () => {
        expect(items(await list(`q=${one}`))).toMatchObject([{ done: true }]);
      }, 10_000);
      const before = await call(`/api/queue/jobs/${one}`);
      expect(before.headers.get('holdfast-source')).toBe('redis');
      const attempts = await call(`/api/queue/jobs/${one}/attempts`);
      await dropFromRedis(one);
      const after = await call(`/api/queue/jobs/${one}`);
      expect(after.headers.get('holdfast-source')).toBe('ledger');
      expect(after).toMatchObject({
        status: 200,
        body: { ...before.body, progress: expect.any(Object) },
      });
      expect((await call(`/api/queue/jobs/${one}/attempts`)).body).toEqual(attempts.body);
      expect(attempts.body['items']).toHaveLength(1);
    }
  });

  it('says 410 of a job that vanished and 404 of one that nobody knows', async () => {
    const id = await enqueue({ message: 'gone' }, { delay: 3_600_000 });
    await finds(`q=${id}`, [id]);
    const { producer } = server.app.get(RedisConnections);
    const base = `${server.settings.REDIS_PREFIX}:default`;
    await producer.multi().zrem(`${base}:delayed`, id).del(`${base}:${id}`).exec();
    expect(await call(`/api/queue/jobs/${id}`)).toMatchObject({ status: 410, body: { code: 'gone' } });
    const unknown = await call('/api/queue/jobs/default_0000000000000000000000');
    expect(unknown).toMatchObject({ status: 404, body: { code: 'job_not_found' } });
    expect(unknown.body['detail']).toContain('30 days');
  });
});
