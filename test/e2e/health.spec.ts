import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { freezablePath } from '../support/freezable-path';

const NOBODY_LISTENS = 'redis://127.0.0.1:1';
const NO_DATABASE = 'postgres://nobody@127.0.0.1:1/nothing';

interface Report {
  readonly status: string;
  readonly info: Record<string, object>;
  readonly error: Record<string, { message?: string }>;
  readonly details: Record<string, object>;
}

async function probe(server: TestServer, path: string) {
  const startedAt = performance.now();
  const response = await fetch(server.url + path);
  const body = (await response.json()) as Report;
  return { status: response.status, headers: response.headers, body, tookMs: performance.now() - startedAt };
}

describe('the probes', () => {
  describe('with everything up', () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startTestServer({ HOLDFAST_BOOTSTRAP_KEY: 'a-key-of-the-health-spec' });
    });
    afterAll(() => server.close());

    it.each([
      ['/health', ['redis', 'database', 'queues', 'storage']],
      ['/health/live', ['eventLoop']],
      [
        '/health/ready',
        'shutdown redis redisWrite evictionPolicy role persistence clock version rights queueKeys store memory workers schema'.split(
          ' ',
        ),
      ],
      ['/health/startup', ['firstConnect', 'queues']],
    ])('%s answers without a key, in the form of Terminus', async (path, checks) => {
      const { status, headers, body } = await probe(server, path);
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('application/json');
      expect(headers.get('cache-control')).toContain('no-store');
      expect(Object.keys(body)).toEqual(['status', 'info', 'error', 'details']);
      expect(body.status).toBe('ok');
      expect(Object.keys(body.details).sort()).toEqual([...checks].sort());
      expect(body.error).toEqual({});
    });

    it.each(['/api/health/queue', '/health/queue'])(
      '%s answers exactly as document 001 says',
      async (path) => {
        const { status, body } = await probe(server, path);
        expect(status).toBe(200);
        expect(body).toEqual({ status: 'healthy', redis: 'connected' });
      },
    );
  });

  it('tell the reason while Redis is away, within a second, and the process stays alive', async () => {
    const server = await startTestServer({ ROLE: 'api', REDIS_URL: NOBODY_LISTENS });
    try {
      const live = await probe(server, '/health/live');
      expect(live).toMatchObject({ status: 200, body: { status: 'ok' } });
      for (const path of [
        '/health',
        '/health/ready',
        '/health/startup',
        '/health/queue',
        '/api/health/queue',
      ]) {
        const { status, headers, tookMs } = await probe(server, path);
        expect({ path, status }).toEqual({ path, status: 503 });
        expect(headers.get('content-type')).toContain('application/json');
        expect(tookMs).toBeLessThan(1_000);
      }
      const ready = await probe(server, '/health/ready');
      expect(Object.keys(ready.body.error).sort()).toEqual(['evictionPolicy', 'redis', 'redisWrite']);
      expect(ready.body.error['redis']?.message).toBe('Redis is not connected.');
      const queue = await probe(server, '/api/health/queue');
      expect(queue.body).toEqual({ status: 'unhealthy', error: 'Redis is not connected.' });
    } finally {
      await server.close();
    }
  });

  it('tell the reason while Redis is frozen, and recover without a restart', async () => {
    const path = await freezablePath(new URL(process.env['TEST_REDIS_URL'] ?? ''));
    const server = await startTestServer({ ROLE: 'api', REDIS_URL: path.url });
    try {
      expect((await probe(server, '/health/ready')).body.error).toEqual({});

      path.freeze();
      const [all, ready, queue, live] = await Promise.all(
        ['/health', '/health/ready', '/health/queue', '/health/live'].map((one) => probe(server, one)),
      );
      expect([all?.status, ready?.status, queue?.status, live?.status]).toEqual([503, 503, 503, 200]);
      expect(ready?.body.error['redis']?.message).toBe('Redis does not answer.');
      for (const answer of [all, ready, queue]) expect(answer?.tookMs).toBeLessThan(2_500);
      path.thaw();
      await eventually(async () => expect((await probe(server, '/health/ready')).status).toBe(200), 15_000);
    } finally {
      path.thaw();
      await server.close();
      path.close();
    }
  });

  it('stay ready while the database is away, because most jobs need none', async () => {
    const server = await startTestServer({ ROLE: 'api', DATABASE_URL: NO_DATABASE });
    try {
      const ready = await probe(server, '/health/ready');
      expect(ready).toMatchObject({ status: 200, body: { info: { schema: { schema: 'unknown' } } } });
      const all = await probe(server, '/health');
      expect(all).toMatchObject({
        status: 503,
        body: { status: 'error', info: { redis: { status: 'up' } } },
      });
      expect(Object.keys(all.body.error)).toEqual(['database']);
      expect(all.tookMs).toBeLessThan(1_000);
    } finally {
      await server.close();
    }
  });

  it('turn a process unready as soon as it begins to stop, and keep it alive while it drains', async () => {
    const server = await startTestServer();
    const job = await server.app.get(JobDispatcher).dispatch('test-job', { message: 'x', delay: 2_000 });
    const reader = server.app.get(JobReader);
    await eventually(async () => expect((await reader.read(job.id ?? ''))?.state).toBe('active'), 5_000);
    const closed = server.close();
    await eventually(async () => {
      const ready = await probe(server, '/health/ready');
      expect(ready).toMatchObject({ status: 503, body: { error: { shutdown: { status: 'down' } } } });
    });
    expect((await probe(server, '/health/live')).status).toBe(200);
    await closed;
  });

  it('are all that a worker process serves', async () => {
    const server = await startTestServer({ ROLE: 'worker' });
    try {
      for (const path of ['/health', '/health/live', '/health/ready', '/health/startup', '/health/queue']) {
        expect({ path, status: (await probe(server, path)).status }).toEqual({ path, status: 200 });
      }
      for (const path of ['/api/queue/stats', '/api/queues', '/admin/queues']) {
        expect({ path, status: (await fetch(server.url + path)).status }).toEqual({ path, status: 404 });
      }
    } finally {
      await server.close();
    }
  });
});
