import type { Queue } from 'bullmq';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

describe('document 000, /api/queue/test as its curl lines call it', () => {
  let server: TestServer;
  let queue: Queue;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api' });
    queue = server.app.get(QueueRegistry).get('default')!.queue;
  });

  afterAll(() => server.close());

  const post = async (body: object) => {
    const answer = await fetch(`${server.url}/api/queue/test`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const stored = async ({ jobId }: Record<string, unknown>) => (await queue.getJob(String(jobId)))!;

  it('answers all five in their order, and runs the jobs', async () => {
    expect((await fetch(`${server.url}/api/queue/test`)).status).toBe(200);
    const good = await post({ action: 'add-job', message: 'Hello from API' });
    const bad = await post({ action: 'add-job', message: 'This will fail', shouldFail: true });
    expect([good.status, bad.status]).toEqual([202, 202]);
    expect((await post({ action: 'start-worker' })).status).toBe(200);
    // A job by hand would compete with the worker that runs now.
    expect((await post({ action: 'process-next' })).status).toBe(409);
    await eventually(async () => {
      expect((await stored(good.body)).returnvalue).toMatchObject({ message: 'Hello from API' });
      expect((await stored(bad.body)).attemptsMade).toBe(1);
    }, 5_000);
  });

  it('gives a job the default options: 3 attempts, exponential from 1000 ms, no removal of its own', async () => {
    const { opts, data, name } = await stored(
      (await post({ action: 'add-job', message: 'm', delay: 5 })).body,
    );
    expect({ name, data }).toEqual({ name: 'test-job', data: { message: 'm', delay: 5 } });
    expect(opts).toMatchObject({ attempts: 3, backoff: { type: 'exponential', delay: 1_000 } });
    expect(opts).not.toHaveProperty('removeOnComplete');
    expect(opts).not.toHaveProperty('removeOnFail');
  });

  it('keeps completed jobs 24 hours and failed ones 7 days', async () => {
    const settings = (await (await fetch(`${server.url}/api/queues/default`)).json()) as {
      retention: object;
    };
    expect(settings.retention).toMatchObject({
      completed: { ageMs: 24 * 3_600_000 },
      failed: { ageMs: 7 * 24 * 3_600_000 },
    });
  });

  it('has a connection of its own for the worker of each queue, beside one for adding', async () => {
    expect((await post({ action: 'start-worker' })).status).toBe(409);
    const prefix = server.settings.REDIS_PREFIX;
    await eventually(async () => {
      const clients = String(await server.app.get(RedisConnections).admin.call('CLIENT', 'LIST'));
      const names = [...clients.matchAll(/ name=(\S+)/g)].map(([, name]) => name);
      expect(names).toContain('holdfast:producer');
      expect(names).toContain('holdfast:worker');
      expect(names.filter((name) => name?.startsWith(`${prefix}:`))).toHaveLength(1);
    });
  });
});
