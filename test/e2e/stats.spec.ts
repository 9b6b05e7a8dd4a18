import type { Queue } from 'bullmq';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-stats-spec';
const NOBODY_LISTENS = 'redis://127.0.0.1:1';

describe('the statistics and settings of the queues', () => {
  let server: TestServer;
  let queue: Queue;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: KEY });
    const entry = server.app.get(QueueRegistry).get('default');
    if (entry === undefined) throw new Error('The queue "default" is not registered.');
    queue = entry.queue;
  });

  afterAll(() => server.close());

  const get = async (path: string, key: string | undefined = KEY) => {
    const response = await fetch(server.url + path, {
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as never };
  };
  const add = (options: object) =>
    server.app.get(JobDispatcher).dispatch('test-job', { message: 'x' }, options);
  const own = async () => {
    const { body } = await get('/api/queue/stats?queue=default');
    return (body as { stats: Record<string, unknown>[] }).stats[0];
  };

  it('counts nothing where nothing is', async () => {
    const { status, body } = await get('/api/queue/stats');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      waiting: 0,
      active: 0,
      completed: 0,
      failed: 0,
      delayed: 0,
      prioritized: 0,
    });
    expect(body).toMatchObject({ paused: 0, backlog: 0, oldestWaitingMs: null });
    expect(await own()).toMatchObject({ name: 'default', waiting: 0, paused: false, workers: 0 });
  });

  it('counts each state, prioritised jobs among the waiting, and due delayed ones in the backlog', async () => {
    await add({ delayMs: 3_600_000 });
    await add({ attempts: 1 });
    await server.app.get(WorkerRunner).processNext('default');
    await server.app
      .get(JobDispatcher)
      .dispatch('test-job', { message: 'x', shouldFail: true }, { attempts: 1 });
    await server.app.get(WorkerRunner).processNext('default');
    await add({ priority: 'urgent' });
    // A stranger's jobs may have any number, or none.
    await queue.add('test-job', {}, { priority: 7, jobId: 'low', timestamp: Date.now() - 60_000 });
    await queue.add('test-job', {}, { jobId: 'unprioritised' });
    await queue.add('test-job', {}, { delay: 1, jobId: 'due' });
    await eventually(async () => expect(await own()).toMatchObject({ backlog: 4 }));
    expect(await own()).toMatchObject({
      name: 'default',
      waiting: 3,
      unprioritized: 1,
      prioritized: 2,
      active: 0,
      delayed: 2,
      completed: 1,
      failed: 1,
      paused: false,
    });
  });

  it('tells how long the oldest waiting job waits, whatever its priority', async () => {
    expect(Number((await own())?.['oldestWaitingMs'])).toBeGreaterThanOrEqual(60_000);
    expect(Number((await own())?.['oldestWaitingMs'])).toBeLessThan(600_000);
  });

  it('sums over the queues, and counts what stands in paused ones', async () => {
    await queue.pause();
    const { body } = await get('/api/queue/stats');
    await queue.resume();
    expect(body).toMatchObject({ waiting: 3, delayed: 2, completed: 1, failed: 1, paused: 3, backlog: 4 });
    expect((body as { stats: object[] }).stats).toContainEqual(
      expect.objectContaining({ name: 'default', paused: true, waiting: 3 }),
    );
  });

  it('answers the same without /api', async () => {
    const [long, short] = await Promise.all([get('/api/queue/stats'), get('/queue/stats')]);
    expect(short.status).toBe(200);
    expect(Object.keys(short.body)).toEqual(Object.keys(long.body));
  });

  it.each([
    ['/api/queue/stats?queue=nope', 404, 'queue_not_found'],
    ['/api/queues/nope', 404, 'queue_not_found'],
    ['/api/queues/__proto__', 404, 'queue_not_found'],
    ['/api/queue/stats?queue=default&queue=default', 400, 'query_invalid'],
    ['/api/queue/stats?unknown=1', 400, 'unknown_field'],
  ])('answers %s with %i %s', async (path, status, code) => {
    expect(await get(path)).toMatchObject({ status, body: { status, code } });
  });

  it.each(['/api/queue/stats', '/queue/stats'])(
    'refuses %s without a key in the words of document 001',
    async (path) => {
      const { status, headers, body } = await get(path, '');
      expect(status).toBe(401);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(body).toMatchObject({ error: 'Unauthorized', code: 'unauthenticated' });
    },
  );

  it('shows how a queue is set up', async () => {
    const { body } = await get('/api/queues/default');
    expect(body).toMatchObject({
      name: 'default',
      concurrency: expect.any(Number),
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 1_000 },
      retention: { completed: { ageMs: expect.any(Number), count: expect.any(Number) } },
      priorities: ['urgent', 'high', 'normal', 'low'],
      types: [expect.objectContaining({ type: 'test-job', attempts: 3 })],
      paused: false,
      workers: expect.any(Number),
    });
    const { body: list } = await get('/api/queues');
    expect((list as { queues: object[] }).queues).toContainEqual(body);
  });

  it('refuses the settings without a key', async () => {
    expect((await get('/api/queues', '')).status).toBe(401);
    expect((await get('/api/queues/default', '')).status).toBe(401);
  });

  it('counts the workers that are connected', async () => {
    server.app.get(WorkerRunner).start('default');
    await eventually(async () => expect(await own()).toMatchObject({ workers: 1 }));
  });

  it('answers 503 at once while Redis is away', async () => {
    const lame = await startTestServer({ ROLE: 'api', REDIS_URL: NOBODY_LISTENS });
    try {
      const startedAt = performance.now();
      const response = await fetch(`${lame.url}/api/queue/stats`);
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await response.json()).toMatchObject({
        code: 'storage_unavailable',
        error: 'Failed to fetch queue stats',
      });
    } finally {
      await lame.close();
    }
  });
});
