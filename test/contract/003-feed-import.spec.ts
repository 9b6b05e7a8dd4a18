import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { load, YAML11_SCHEMA } from 'js-yaml';
import { readSettings } from '../../src/config/read-settings';
import { DeadLetterQueues } from '../../src/platform/dead-letter/dead-letter-queues.service';
import { concurrencyOf } from '../../src/platform/queue/define-queue';
import { jobId } from '../../src/platform/queue/job-id';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { feedImportQueue } from '../../src/workloads/feeds/feed-import/feed-import.queue';
import { FaultScene } from '../faults/fault-scene';
import { eventually } from '../support/eventually';
import { FeedServer, itemsOf, rssOf } from '../support/feed-server';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-contract-003-spec';
const QUEUE = 'job_import_queue';
const HOUR_MS = 3_600_000;
const root = resolve(__dirname, '../..');

type Body = Readonly<Record<string, unknown>>;

describe('document 003, the feed importer', () => {
  let server: TestServer;
  let feeds: FeedServer;

  beforeAll(async () => {
    feeds = await FeedServer.start();
    server = await startTestServer({
      HOLDFAST_BOOTSTRAP_KEY: KEY,
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: String(feeds.port),
    });
  });
  afterAll(async () => {
    await server.close();
    await feeds.close();
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
    const text = await answer.text();
    const isJson = (answer.headers.get('content-type') ?? '').includes('json');
    return { status: answer.status, text, body: (isJson ? JSON.parse(text) : {}) as Body };
  };
  const entry = () => server.app.get(QueueRegistry).get(QUEUE)!;
  const items = async (query: string) => (await call('GET', `/api/items?${query}`)).body['items'] as Body[];
  const imported = async (body: object): Promise<Body> => {
    const started = await call('POST', '/imports/start', body);
    expect(started.status).toBe(202);
    let found: Body = {};
    await eventually(async () => {
      found = (await call('GET', `/imports/${String(started.body['importId'])}`)).body;
      expect(found['status']).toBe('completed');
    }, 30_000);
    return found;
  };

  it('answers POST /imports/start at once; a queue and its dead letters do the rest', async () => {
    const url = feeds.feed('/feed', rssOf(itemsOf(20)));
    const { status, body } = await call('POST', '/imports/start', { url });
    expect(status).toBe(202);
    expect(body).toMatchObject({ importId: expect.any(String), source: url, enqueued: expect.any(Number) });
    await eventually(
      async () => expect(await items(`source=${encodeURIComponent(url)}`)).toHaveLength(20),
      30_000,
    );
    expect(feedImportQueue.name).toBe(QUEUE);
    expect(server.app.get(DeadLetterQueues).of(entry()).queue.name).toBe(`${QUEUE}_dlq`);
  });

  it('makes of the same source and guid one job and one item', async () => {
    const source = 'https://jobicy.com/?feed=job_feed';
    const { queue } = entry();
    await queue.pause();
    try {
      const push = { source, items: [{ guid: '12345', title: 'Engineer' }] };
      expect((await call('POST', '/imports/start', push)).body).toMatchObject({ enqueued: 1, duplicates: 0 });
      expect((await call('POST', '/imports/start', push)).body).toMatchObject({ enqueued: 0, duplicates: 1 });
      const id = jobId(QUEUE, `${source}#12345`);
      await eventually(async () => {
        expect((await call('GET', `/api/queue/jobs/${id}`)).body).toMatchObject({
          key: `${source}#12345`,
          state: 'waiting',
          attempts: { made: 0, max: 3 },
        });
      }, 10_000);
      expect(await queue.getJobCounts('waiting', 'prioritized', 'delayed')).toEqual({
        waiting: 0,
        prioritized: 1,
        delayed: 0,
      });
    } finally {
      await queue.resume();
    }
    await eventually(async () => {
      expect(await items(`source=${encodeURIComponent(source)}`)).toMatchObject([{ guid: '12345' }]);
    }, 10_000);
  });

  it('tries three times, a second and two apart; cleans up what succeeded and keeps what failed', async () => {
    const { body } = await call('GET', `/api/queues/${QUEUE}`);
    const types = body['types'] as Body[];
    expect(types).toMatchObject([
      { type: 'import-item', attempts: 3, backoff: { type: 'exponential', delayMs: 1_000 } },
    ]);
    expect(body['retention']).toMatchObject({
      completed: { ageMs: 60_000 },
      failed: { ageMs: 7 * 24 * HOUR_MS },
    });
    const importId = '01890000-0000-7000-8000-000000000001';
    const other = {
      type: 'import-item',
      data: { importId, source: 'a', guid: 'b' },
      options: { attempts: 7 },
    };
    expect((await call('POST', '/api/queue/jobs', other)).body).toMatchObject({ attempts: { max: 7 } });
    expect(feedImportQueue.jobs['import-item'].timeoutMs).toBe(30_000);
  });

  it('refuses a job without source or guid as "Invalid job data"', async () => {
    const importId = '01890000-0000-7000-8000-000000000002';
    for (const data of [
      { importId, guid: 'x' },
      { importId, source: 'x' },
      { importId, source: '', guid: 'x' },
    ]) {
      const { status, body } = await call('POST', '/api/queue/jobs', { type: 'import-item', data });
      expect([status, (body['errors'] as Body[])[0]?.['detail']]).toEqual([
        422,
        expect.stringContaining('Invalid job data'),
      ]);
    }
  });

  it('puts a job that cannot succeed among the dead letters, with its data and the reason', async () => {
    const importId = '01890000-0000-7000-8000-000000000003';
    const data = { importId, source: 'nobody', guid: 'knows' };
    const { body } = await call('POST', '/api/queue/jobs', { type: 'import-item', data });
    const { queue } = server.app.get(DeadLetterQueues).of(entry());
    await eventually(async () => {
      const found = (await queue.getWaiting()).find((one) => (one.data as Body)['jobId'] === body['id']);
      expect(found?.name).toMatch(/^dlq_\d+$/);
      expect(found?.data).toMatchObject({
        data,
        jobData: data,
        reason: expect.stringContaining('Invalid job data'),
      });
    }, 20_000);
  });

  it('reads the settings of the document, and refuses a worker whose batches never fill', () => {
    const document = {
      REDIS_URL: 'redis://localhost:6379',
      WORKER_BATCH_SIZE: '100',
      WORKER_FLUSH_MS: '3000',
      WORKER_RATE_LIMIT_MAX: '100',
      WORKER_RATE_LIMIT_DURATION_MS: '1000',
    };
    const settings = readSettings(document);
    expect(settings).toMatchObject({
      WORKER_BATCH_SIZE: 100,
      WORKER_FLUSH_MS: 3_000,
      WORKER_RATE_LIMIT_MAX: 100,
    });
    expect(concurrencyOf(feedImportQueue, settings)).toBe(100);
    const asWritten = readSettings({ ...document, WORKER_CONCURRENCY: '10', WORKER_BATCH_SIZE: '10' });
    expect(concurrencyOf(feedImportQueue, asWritten)).toBe(10);
    const defaults = readSettings({});
    expect(defaults).toMatchObject({
      WORKER_BATCH_SIZE: 100,
      WORKER_FLUSH_MS: 3_000,
      BULL_QUEUE_NAME: QUEUE,
    });
    expect([defaults.WORKER_RATE_LIMIT_MAX, defaults.WORKER_RATE_LIMIT_DURATION_MS]).toEqual([
      undefined,
      1_000,
    ]);
  });

  it('counts, lists, pauses, resumes, and cleans what was completed more than an hour ago', async () => {
    await imported({ source: 'operations', items: [{ guid: '1' }] });
    const stats = (await call('GET', `/api/queue/stats?queue=${QUEUE}`)).body;
    expect(stats).toMatchObject({ waiting: expect.any(Number), active: 0, failed: expect.any(Number) });
    for (const state of ['waiting', 'active', 'failed']) {
      expect((await call('GET', `/api/queue/jobs?queue=${QUEUE}&state=${state}`)).status).toBe(200);
    }
    const paused = await call('POST', `/api/queues/${QUEUE}/pause`, { reason: 'of a test' });
    expect([paused.status, await entry().queue.isPaused()]).toEqual([200, true]);
    expect((await call('POST', `/api/queues/${QUEUE}/resume`)).status).toBe(200);
    expect(await entry().queue.isPaused()).toBe(false);
    const clean = { queue: QUEUE, olderThanMs: HOUR_MS, reason: 'of a test' };
    expect((await call('POST', '/api/queue/clean/completed', clean)).body).toMatchObject({ removed: 0 });
  });

  it('shows its queue on the dashboard, and the two metrics of the document', async () => {
    expect((await call('GET', '/admin/queues')).status).toBe(200);
    const { text } = await call('GET', '/metrics');
    expect(text).toMatch(/^# TYPE bullmq_jobs_processed_total counter$/m);
    expect(text).toMatch(/^# TYPE bullmq_queue_size gauge$/m);
    expect(Number(/^bullmq_jobs_processed_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
    expect(text).toMatch(new RegExp(`queue="${QUEUE}"`));
  });

  it('runs on a Redis with an append-only file, with as many workers as wanted', async () => {
    const text = await readFile(join(root, 'docker-compose.yml'), 'utf8');
    const { services } = load(text, { schema: YAML11_SCHEMA }) as {
      services: Record<
        string,
        { image?: string; command?: string[]; container_name?: string; ports?: unknown }
      >;
    };
    expect(services['redis']).toMatchObject({ image: expect.stringMatching(/^redis:7.*alpine/) });
    expect(services['redis']?.command?.join(' ')).toContain('--appendonly yes');
    // What has a name or a port of the machine cannot be there five times.
    expect(services['queue-worker']).toBeDefined();
    expect([services['queue-worker']?.container_name, services['queue-worker']?.ports]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe('document 003, a process of its own', () => {
  const scene = new FaultScene();

  beforeAll(() => scene.open());
  afterAll(() => scene.close());

  it('takes the name of its queue from BULL_QUEUE_NAME, and says of each job that it has completed or failed', async () => {
    const { server, api } = await scene.start({
      BULL_QUEUE_NAME: 'my_feeds',
      QUEUE_REMOVE_ON_COMPLETE: '100',
    });
    const push = { source: 'a', items: [{ guid: 'b' }] };
    expect((await api.call('POST', '/api/imports/start', push)).status).toBe(202);
    const id = jobId('my_feeds', 'a#b');
    await server.line(new RegExp(`Job ${id} completed`), 20_000);
    const importId = '01890000-0000-7000-8000-000000000004';
    const { body } = await api.call('POST', '/api/queue/jobs', {
      type: 'import-item',
      data: { importId, source: 'nobody', guid: 'knows' },
    });
    await server.line(new RegExp(`Job ${String(body['id'])} failed: Invalid job data`), 20_000);
    expect((await api.get('/api/queues/my_feeds')).status).toBe(200);
    expect((await api.get('/api/queues/job_import_queue')).status).toBe(404);
  }, 90_000);

  it('does not start a worker whose concurrency never fills a batch', async () => {
    const starting = scene.start({ ROLE: 'worker', WORKER_CONCURRENCY: '10', WORKER_BATCH_SIZE: '100' });
    await expect(starting).rejects.toThrow('never fill a batch of 100');
  }, 60_000);
});
