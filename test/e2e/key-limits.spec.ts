import { Queue } from 'bullmq';
import { tellKeyLimit } from '../../src/platform/key-limits/queue-limits';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { sourceLimits, sourcesQueue } from '../support/sources/sources-queue';

const KEY = 'a-key-of-the-key-limits-spec';
const rate = { max: 5, durationMs: 60_000 };

describe('limits of single keys over HTTP', () => {
  let server: TestServer;
  let queue: Queue;

  beforeAll(async () => {
    Object.assign(sourceLimits, { rate, concurrency: 2 });
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: KEY });
    // No queue of the product has keys yet, and none has a worker here.
    queue = new Queue(sourcesQueue.name, {
      connection: server.app.get(RedisConnections).producer,
      prefix: server.settings.REDIS_PREFIX,
    });
    server.app.get(QueueRegistry).register({ definition: sourcesQueue, queue });
    tellKeyLimit(queue, { rate, concurrency: 2 });
  });

  afterAll(async () => {
    await queue.close();
    await server.close();
  });

  const call = async (method: string, path: string, body?: object) => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return {
      status: answer.status,
      link: answer.headers.get('link'),
      body: (await answer.json()) as Record<string, unknown>,
    };
  };
  const add = async (source: string) =>
    (await server.app.get(JobDispatcher).dispatch('fetch-one', { source, number: 1 })).id ?? '';
  const path = '/api/queues/sources/key-limits';

  it('lists keys page by page, with what they may have and what they have', async () => {
    await add('https://one.example/feed?a=b&c');
    await add('ümlaut');
    await add('ümlaut');
    const first = await call('GET', `${path}?limit=1`);
    expect(first).toMatchObject({
      status: 200,
      body: {
        defaults: { rate, concurrency: 2 },
        keys: [
          {
            key: 'https://one.example/feed?a=b&c',
            own: false,
            rate,
            concurrency: 2,
            waiting: 1,
            running: 0,
            nextAt: null,
          },
        ],
      },
    });
    expect(first.link).toContain('rel="next"');
    const second = await call('GET', `${path}?limit=1&cursor=${String(first.body['next_cursor'])}`);
    expect(second.body).toMatchObject({ keys: [{ key: 'ümlaut', waiting: 2 }], next_cursor: null });
    expect(await call('GET', `${path}?cursor=no!`)).toMatchObject({
      status: 400,
      body: { code: 'cursor_invalid' },
    });
  });

  it('sets, shows and removes the limits of one key, and the audit knows', async () => {
    const one = `${path}/${encodeURIComponent('https://one.example/feed?a=b&c')}`;
    const set = await call('PUT', one, { concurrency: 7, rate: null, reason: 'a calm server' });
    expect(set).toMatchObject({ status: 200, body: { own: true, concurrency: 7, rate: null, waiting: 1 } });
    expect((await call('GET', one)).body).toEqual(set.body);
    expect((await call('DELETE', one)).body).toMatchObject({ own: false, concurrency: 2, rate });
    expect((await call('GET', `${path}/never-seen`)).body).toMatchObject({ waiting: 0, own: false });
    await eventually(async () => {
      const { items } = (await call('GET', '/api/queue/audit?limit=50')).body as {
        items: { action: string }[];
      };
      expect(items.filter(({ action }) => action === 'queues.key-limit')).toHaveLength(2);
    });
  });

  it.each([
    ['PUT', `${path}/a`, { concurrency: 0 }, 422, 'validation_failed'],
    ['PUT', `${path}/a`, { rate: { max: 1 } }, 422, 'validation_failed'],
    ['PUT', `${path}/a`, { burst: 1 }, 400, 'unknown_field'],
    ['PUT', `${path}/${'a'.repeat(201)}`, {}, 400, 'bad_request'],
    ['GET', '/api/queues/default/key-limits', undefined, 409, 'key_limits_undeclared'],
    ['GET', '/api/queues/nothing/key-limits', undefined, 404, 'queue_not_found'],
  ])('refuses %s %s %j', async (method, where, body, status, code) => {
    expect(await call(method, where, body)).toMatchObject({ status, body: { code } });
  });

  it('shows why a job waits for its key', async () => {
    const first = await add('held');
    expect((await call('GET', `/api/queue/jobs/${first}`)).body).not.toHaveProperty('hold');
    const id = await add('held');
    expect((await call('GET', `/api/queue/jobs/${id}`)).body).toMatchObject({
      state: 'waiting',
      hold: { key: 'held', reason: 'turn' },
    });
    expect((await call('GET', '/api/queue/stats?queue=sources')).body).toMatchObject({
      waiting: 5,
      delayed: 0,
    });
    for (const [left, one] of [id, first].entries()) {
      const removed = await fetch(`${server.url}/api/queue/jobs/${one}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${KEY}` },
      });
      expect(removed.status).toBe(204);
      expect((await call('GET', `${path}/held`)).body).toMatchObject({ waiting: 1 - left });
    }
  });
});
