import type { Queue } from 'bullmq';
import { newKeyId, newSecret, writeKey } from '../../src/platform/auth/api-key';
import { ApiKeyStore, type NewApiKey } from '../../src/platform/auth/api-key.store';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { QueueCounter } from '../../src/platform/queue/queue-counts.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { eventually } from '../support/eventually';
import { Scrape } from '../support/prometheus-text';
import { startTestServer, type TestServer } from '../support/server';
import { freezablePath } from '../support/freezable-path';

const KEY = 'a-key-of-the-metrics-spec';
const NOBODY_LISTENS = 'redis://127.0.0.1:1';
const CANARY = 'canary-of-a-payload';

async function get(server: TestServer, path: string, key = KEY) {
  const startedAt = performance.now();
  const response = await fetch(server.url + path, { headers: { authorization: `Bearer ${key}` } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, tookMs: performance.now() - startedAt };
}

async function scrape(server: TestServer): Promise<Scrape> {
  const { status, text } = await get(server, '/metrics');
  expect(status).toBe(200);
  return new Scrape(text);
}

/** A server whose queue "default" holds a job of each kind, counted for the first time. */
async function filledServer(role: string): Promise<TestServer> {
  const server = await startTestServer({
    ROLE: role,
    HOLDFAST_BOOTSTRAP_KEY: KEY,
    WORKER_QUEUES: 'validation',
  });
  const { app } = server;
  const dispatcher = app.get(JobDispatcher);
  const add = (options: object, data = {}) =>
    dispatcher.dispatch('test-job', { message: CANARY, ...data }, options);
  await add({ attempts: 1 }, { shouldFail: true });
  await app.get(WorkerRunner).processNext('default');
  await add({});
  await app.get(WorkerRunner).processNext('default');
  await add({ delayMs: 3_600_000 });
  await add({ priority: 'urgent', key: CANARY });
  await queueOf(server).add('test-job', {}, { jobId: 'old', timestamp: Date.now() - 60_000 });
  return server;
}

function queueOf(server: TestServer): Queue {
  return server.app.get(QueueRegistry).get('default')!.queue;
}

describe('/metrics', () => {
  describe.each(['api', 'worker', 'all'])('of role %s', (role) => {
    let server: TestServer;
    beforeAll(async () => {
      server = await filledServer(role);
    });
    afterAll(() => server.close());

    it('tells in the format of Prometheus how full the queues are and what this process did', async () => {
      await queueOf(server).pause();
      const { status, headers, text } = await get(server, '/metrics');
      await queueOf(server).resume();
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      const series = new Scrape(text);
      const own = { queue: 'default' };
      const state = (name: string) => series.value('holdfast_queue_jobs', { ...own, state: name });
      expect(['waiting', 'active', 'delayed', 'completed', 'failed'].map(state)).toEqual([2, 0, 1, 1, 1]);
      expect(series.value('holdfast_queue_backlog', own)).toBe(2);
      expect(series.value('holdfast_queue_oldest_waiting_age_seconds', own)).toBeGreaterThanOrEqual(60);
      expect(series.value('holdfast_queue_paused', own)).toBe(1);
      expect(series.value('holdfast_queue_paused', { queue: 'validation' })).toBe(0);
      // The one that was built to process the jobs by hand.
      expect(series.value('holdfast_queue_workers', own)).toBe(1);
      expect(series.value('bullmq_queue_size')).toBe(2);
      expect(series.typeOf('bullmq_queue_size')).toBe('gauge');
      expect(series.value('bullmq_jobs_processed_total')).toBe(1);
      expect(series.value('holdfast_redis_up')).toBe(1);
      expect(series.value('holdfast_redis_used_memory_bytes')).toBeGreaterThan(100_000);
      expect(series.value('holdfast_redis_maxmemory_bytes')).toBeGreaterThanOrEqual(0);
      expect(series.value('holdfast_ledger_lag_seconds')).toBeGreaterThanOrEqual(0);
      expect(series.value('holdfast_dead_letters', { queue: 'validation' })).toBe(0);
      const type = { ...own, type: 'test-job' };
      expect(series.value('holdfast_jobs_enqueued_total', { ...type, outcome: 'accepted' })).toBe(4);
      expect(series.value('holdfast_jobs_finished_total', { ...type, outcome: 'dead' })).toBe(1);
      expect(series.value('holdfast_job_run_duration_seconds_count', type)).toBe(2);
      expect(series.value('nodejs_eventloop_lag_p99_seconds')).toBeDefined();
      expect(text).not.toContain(CANARY);
    });

    it('answers nobody without a key', async () => {
      expect((await get(server, '/metrics', 'wrong')).status).toBe(401);
    });
  });

  describe('of one server', () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: KEY });
    });
    afterAll(() => server.close());

    async function key(given: Partial<NewApiKey>): Promise<string> {
      const made = { kid: newKeyId(), secret: newSecret() };
      const usual = { tenant: 'default', name: 'x', role: 'viewer', grants: [], createdBy: 'test' } as const;
      await server.app
        .get(ApiKeyStore)
        .create({ ...usual, kid: made.kid, ...given, grants: given.grants ?? [] }, made.secret);
      return writeKey(made);
    }

    it('is for viewers of the home tenant, and for a key that may do nothing else', async () => {
      const scraper = await key({ role: 'viewer', queues: ['none'], grants: ['metrics:read'] });
      expect((await get(server, '/metrics', scraper)).status).toBe(200);
      expect((await get(server, '/api/queue/stats', scraper)).status).toBe(403);
      expect((await get(server, '/metrics', await key({ role: 'viewer' }))).status).toBe(200);
      expect((await get(server, '/metrics', await key({ role: 'admin', tenant: 'acme' }))).status).toBe(403);
      const limited = await key({ role: 'admin', queues: ['default'] });
      expect((await get(server, '/metrics', limited)).status).toBe(403);
    });

    it('asks Redis once for any number of scrapers', async () => {
      const count = jest.spyOn(server.app.get(QueueCounter), 'count');
      try {
        await Promise.all(Array.from({ length: 20 }, () => scrape(server)));
        expect(count.mock.calls.length).toBeLessThanOrEqual(server.app.get(QueueRegistry).all().length);
      } finally {
        count.mockRestore();
      }
    });

    it('counts requests by their route as it is declared, by method and by class of status', async () => {
      await get(server, '/api/queues/default');
      await get(server, '/api/queues/nope');
      await get(server, '/api/queues/nope-either');
      await get(server, '/no/such/path');
      await fetch(`${server.url}/api/queues`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${KEY}` },
      });
      await eventually(async () => {
        const series = await scrape(server);
        const requests = (method: string, route: string, status: string) =>
          series.value('holdfast_http_requests_total', { method, route, status });
        expect(requests('GET', '/api/queues/:queue', '2xx')).toBe(1);
        expect(requests('GET', '/api/queues/:queue', '4xx')).toBe(2);
        expect(requests('GET', 'unmatched', '4xx')).toBe(1);
        expect(requests('DELETE', 'unmatched', '4xx')).toBe(1);
        const duration = { method: 'GET', route: '/api/queues/:queue' };
        expect(series.value('holdfast_http_request_duration_seconds_count', duration)).toBe(3);
      });
    });

    it('counts the dead letters that nobody has decided about', async () => {
      const lone = await filledServer('api');
      try {
        // The first scrape, so that nothing was read before the death was parked.
        await eventually(async () => {
          const { text } = await get(lone, '/api/queue/dead-letters');
          expect((JSON.parse(text) as { items: unknown[] }).items).toHaveLength(1);
        }, 10_000);
        expect((await scrape(lone)).value('holdfast_dead_letters', { queue: 'default' })).toBe(1);
      } finally {
        await lone.close();
      }
    });
  });

  it('is open to this machine as long as there is no key', async () => {
    const server = await startTestServer({ ROLE: 'worker' });
    try {
      const response = await fetch(`${server.url}/metrics`);
      expect(response.status).toBe(200);
      expect(new Scrape(await response.text()).value('holdfast_redis_up')).toBe(1);
    } finally {
      await server.close();
    }
  });

  describe('while Redis is away', () => {
    const isAway = (text: string) => {
      const series = new Scrape(text);
      expect(series.value('holdfast_redis_up')).toBe(0);
      expect(
        series.series.filter((name) => /^(holdfast_queue|bullmq_queue|holdfast_redis_used)/.test(name)),
      ).toEqual([]);
      expect(series.value('bullmq_jobs_processed_total')).toBe(0);
      expect(series.value('process_resident_memory_bytes')).toBeGreaterThan(0);
    };

    it('answers at once with what this process knows, and tells no numbers of queues from memory', async () => {
      const server = await startTestServer({
        ROLE: 'api',
        REDIS_URL: NOBODY_LISTENS,
        HOLDFAST_BOOTSTRAP_KEY: KEY,
      });
      try {
        const { status, text, tookMs } = await get(server, '/metrics');
        expect(status).toBe(200);
        expect(tookMs).toBeLessThan(1_000);
        isAway(text);
      } finally {
        await server.close();
      }
    });

    it('answers within a second when Redis takes commands and says nothing', async () => {
      const frozen = await freezablePath(new URL(process.env['TEST_REDIS_URL'] ?? ''));
      const server = await startTestServer({
        ROLE: 'api',
        REDIS_URL: frozen.url,
        HOLDFAST_BOOTSTRAP_KEY: KEY,
      });
      try {
        frozen.freeze();
        // Other work of this server may hold the loop a little: a guard, not the figure.
        const { status, text, tookMs } = await get(server, '/metrics');
        expect(status).toBe(200);
        expect(tookMs).toBeLessThan(1_000);
        isAway(text);
        frozen.thaw();
        await eventually(
          async () => expect((await scrape(server)).value('holdfast_redis_up')).toBe(1),
          10_000,
        );
      } finally {
        frozen.thaw();
        await server.close();
        frozen.close();
      }
    });
  });
});
