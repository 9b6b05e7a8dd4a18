import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { QueuePauses } from '../../src/platform/queue/queue-pauses.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { platformKey } from '../../src/platform/redis/key-space';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-queue-actions-spec';
const HOUR_MS = 3_600_000;

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

describe('what operators do to whole queues', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: KEY });
  });

  afterAll(() => server.close());

  const call = async (method: string, path: string, body?: object): Promise<Answer> => {
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
      headers: answer.headers,
      body: (await answer.json()) as Record<string, unknown>,
    };
  };
  const post = (path: string, body?: object) => call('POST', path, body);
  const settings = async () => (await call('GET', '/api/queues/default')).body;
  const entry = () => server.app.get(QueueRegistry).get('default')!;
  const add = async (options: object = {}, payload: object = { message: 'x' }) => {
    const { id = '' } = await server.app.get(JobDispatcher).dispatch('test-job', payload, options);
    return { id };
  };
  const runAll = async () => {
    const runner = server.app.get(WorkerRunner);
    while ((await runner.processNext('default')) !== undefined);
  };
  const history = async (id: string) => (await call('GET', `/api/queue/jobs/${id}`)).body;
  const finished = async (id: string, state: string) => {
    await eventually(async () => expect(await history(id)).toMatchObject({ state }), 10_000);
  };

  it('pauses one queue with a reason and an end, takes jobs meanwhile, and lets it go on at that end', async () => {
    const until = new Date(Date.now() + HOUR_MS).toISOString();
    const paused = await post('/api/queues/default/pause', { reason: 'the mail provider is down', until });
    expect(paused).toMatchObject({ status: 200, body: { paused: true, queues: ['default'] } });
    expect(await settings()).toMatchObject({
      paused: true,
      pause: { by: 'bootstrap', reason: 'the mail provider is down', until },
    });
    const { id } = await add();
    expect(await server.app.get(WorkerRunner).processNext('default')).toBeUndefined();
    await server.app.get(QueuePauses).resumeWhatIsDue(Date.now() + HOUR_MS + 1);
    expect(await settings()).toMatchObject({ paused: false, pause: null });
    await runAll();
    await finished(id, 'completed');
  });

  it('keeps since when, and takes the new reason, when a paused queue is paused again', async () => {
    await post('/api/queues/default/pause', { reason: 'first of all' });
    const { pause: first } = (await settings()) as { pause: { since: string } };
    await post('/queue/pause', { queue: 'default', reason: 'after that' });
    expect((await settings()).pause).toEqual({
      by: 'bootstrap',
      reason: 'after that',
      since: first.since,
      until: null,
    });
    expect(await post('/api/queues/default/resume')).toMatchObject({
      status: 200,
      body: { paused: false, queues: ['default'] },
    });
  });

  it('pauses and resumes every queue at once, without a body, under both paths of document 004', async () => {
    const all = server.app
      .get(QueueRegistry)
      .all()
      .map(({ definition }) => definition.name);
    expect((await post('/queue/pause')).body).toEqual({ paused: true, queues: all });
    const { stats } = (await call('GET', '/api/queue/stats')).body as { stats: { paused: boolean }[] };
    expect(stats.every(({ paused }) => paused)).toBe(true);
    expect((await post('/api/queue/resume')).body).toEqual({ paused: false, queues: all });
    expect(await settings()).toMatchObject({ paused: false });
  });

  it('shows a pause that did not come through the API as one that nobody has explained, and forgets old notes', async () => {
    await entry().queue.pause();
    expect(await settings()).toMatchObject({
      paused: true,
      pause: { by: null, since: null, reason: null, until: null },
    });
    await post('/api/queues/default/pause', { reason: 'explained now' });
    await entry().queue.resume();
    await server.app.get(QueuePauses).resumeWhatIsDue(Date.now() + 60_000);
    const { producer } = server.app.get(RedisConnections);
    expect(await producer.hlen(platformKey(server.settings, 'pauses'))).toBe(0);
  });

  it('lets queues go on whose time has come, whatever is wrong with another', async () => {
    const { producer } = server.app.get(RedisConnections);
    const until = new Date(Date.now() + HOUR_MS).toISOString();
    const names = server.app
      .get(QueueRegistry)
      .all()
      .map(({ definition }) => definition.name);
    for (const name of names) await post(`/api/queues/${name}/pause`, { reason: 'for a while', until });
    const noted = Object.keys(await producer.hgetall(platformKey(server.settings, 'pauses')));
    expect(noted).toHaveLength(names.length);
    const broken = server.app.get(QueueRegistry).get(noted[0]!)!;
    const meta = broken.queue.toKey('meta');
    await producer.rename(meta, `${meta}:aside`);
    await producer.set(meta, 'not the meta of a queue');

    const pauses = server.app.get(QueuePauses);
    await expect(pauses.resumeWhatIsDue(Date.now() + HOUR_MS + 1)).rejects.toThrow('WRONGTYPE');
    const left = Object.keys(await producer.hgetall(platformKey(server.settings, 'pauses')));
    expect(left).toEqual([noted[0]]);

    await producer.del(meta);
    await producer.rename(`${meta}:aside`, meta);
    await pauses.resumeWhatIsDue(Date.now() + HOUR_MS + 1);
    expect(await producer.hlen(platformKey(server.settings, 'pauses'))).toBe(0);
    expect(await broken.queue.isPaused()).toBe(false);
  });

  it('keeps a pause that begins while the one before is being ended', async () => {
    await post('/api/queues/default/pause', {
      reason: 'before',
      until: new Date(Date.now() + HOUR_MS).toISOString(),
    });
    const pauses = server.app.get(QueuePauses);
    const { queue } = entry();
    const resume = queue.resume.bind(queue);
    const spy = jest.spyOn(queue, 'resume').mockImplementationOnce(async () => {
      await pauses.pause(entry(), { by: 'somebody', reason: 'in between' });
      await resume();
    });
    await pauses.resumeWhatIsDue(Date.now() + HOUR_MS + 1);
    spy.mockRestore();
    expect(await settings()).toMatchObject({ paused: true, pause: { by: 'somebody', reason: 'in between' } });
    await post('/api/queues/default/resume');
    expect(await settings()).toMatchObject({ paused: false, pause: null });
  });

  it.each([
    ['/api/queue/pause', { queue: 'no-such-queue' }, 404, undefined],
    ['/api/queues/nope/pause', {}, 404, undefined],
    ['/api/queues/nope/drain', { confirm: 'nope', reason: 'none of them' }, 404, undefined],
    ['/api/queue/pause', { until: '2001-01-01T00:00:00Z' }, 422, '#/until'],
    ['/api/queue/pause', { until: '2999-01-01T00:00:00Z' }, 422, '#/until'],
    ['/api/queue/pause', { until: 'tomorrow' }, 422, '#/until'],
    ['/api/queue/pause', { reason: 'x' }, 422, '#/reason'],
    ['/api/queue/pause', { why: 'unknown' }, 400, '#/why'],
    ['/api/queue/clean/completed', {}, 422, '#/olderThanMs'],
    ['/api/queue/clean/failed', { olderThanMs: -1 }, 422, '#/olderThanMs'],
    ['/api/queue/clean/failed', { olderThanMs: 1, limit: 100_001 }, 422, '#/limit'],
    ['/api/queues/default/drain', { confirm: 'other', reason: 'a good one' }, 422, '#/confirm'],
    ['/api/queues/default/drain', { confirm: 'default' }, 422, '?reason'],
  ])('refuses %s %j with %s', async (path, body, status, pointer) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    const { errors } = answer.body as { errors?: { pointer: string }[] };
    expect(errors?.[0]?.pointer).toBe(pointer);
    expect(await settings()).toMatchObject({ paused: false });
  });

  it('cleans completed jobs by age and count, says first what would go, and the history keeps them', async () => {
    const [one, two, three] = [await add(), await add(), await add()];
    await runAll();
    await Promise.all([one, two, three].map(({ id }) => finished(id, 'completed')));
    const before = await entry().queue.getCompletedCount();
    expect((await post('/api/queue/clean/completed', { olderThanMs: HOUR_MS })).body).toMatchObject({
      removed: 0,
      remaining: 0,
    });
    const plan = await post('/api/queue/clean/completed', { olderThanMs: 0, queue: 'default', dryRun: true });
    expect(plan).toMatchObject({
      status: 200,
      body: { dryRun: true, removed: 0, remaining: before, byQueue: { default: before } },
    });
    // What the history has not taken note of yet stays.
    await eventually(async () => {
      const { body } = await post('/queue/clean/completed', { olderThanMs: 0, limit: before - 1 });
      expect(body).toMatchObject({ dryRun: false });
      expect(await entry().queue.getCompletedCount()).toBeLessThanOrEqual(1);
    }, 10_000);
    expect(await history(one.id)).toMatchObject({ state: 'completed', done: true });
  });

  it('remembers the key of a cleaned job as long as retention would', async () => {
    const { id } = await add({ key: 'cleaned' });
    await runAll();
    await eventually(async () => {
      await post('/api/queue/clean/completed', { olderThanMs: 0 });
      expect(await entry().queue.getCompletedCount()).toBe(0);
    }, 10_000);
    expect(await add({ key: 'cleaned' })).toEqual({ id });
    expect(await entry().queue.getWaitingCount()).toBe(0);
  });

  it('cleans failed jobs, and their dead letters stay to be sent back', async () => {
    const { id } = await add({ attempts: 1 }, { message: 'x', shouldFail: true });
    await runAll();
    await eventually(async () => {
      await post('/api/queue/clean/failed', { olderThanMs: 0, reason: 'seen and understood' });
      expect(await entry().queue.getFailedCount()).toBe(0);
    }, 10_000);
    const letters = (await call('GET', '/api/queue/dead-letters?queue=default')).body as {
      items: { jobId: string }[];
    };
    expect(letters.items.map(({ jobId }) => jobId)).toContain(id);
    expect(await post(`/api/queue/jobs/${id}/retry`, { reason: 'the cause is gone' })).toMatchObject({
      status: 202,
    });
  });

  it('cleans more than one request may in the background', async () => {
    const { queue } = entry();
    const { producer } = server.app.get(RedisConnections);
    // Records that finished an hour ago, as BullMQ's layout has them.
    const ids = Array.from({ length: 10_050 }, (_, at) => `default_clean${String(at).padStart(17, '0')}`);
    const base = `${queue.opts.prefix}:default:`;
    const finishedOn = Date.now() - HOUR_MS;
    const record = {
      name: 'test-job',
      data: '{"message":"x"}',
      opts: '{}',
      timestamp: String(finishedOn - 2),
      processedOn: String(finishedOn - 1),
      finishedOn: String(finishedOn),
      returnvalue: '{}',
      atm: '1',
    };
    for (let at = 0; at < ids.length; at += 1_000) {
      const pipeline = producer.pipeline();
      for (const id of ids.slice(at, at + 1_000)) {
        pipeline.hset(`${base}${id}`, record);
        pipeline.zadd(`${base}completed`, String(finishedOn), id);
      }
      await pipeline.exec();
    }
    const begun = await post('/api/queue/clean/completed', { olderThanMs: 60_000, limit: 100_000 });
    expect(begun).toMatchObject({ status: 202, body: { action: 'clean', request: { state: 'completed' } } });
    const location = String(begun.headers.get('location'));
    await eventually(async () => {
      expect((await call('GET', location)).body).toMatchObject({
        status: 'completed',
        counts: { pending: 0, success: 10_050 },
      });
    }, 60_000);
    expect(await producer.zcount(`${base}completed`, '-inf', String(Date.now() - 60_000))).toBe(0);
    expect(await producer.exists(...ids.slice(0, 100).map((id) => base + id))).toBe(0);
  }, 90_000);

  it('empties a queue on request: what has not started never runs, and each job says why', async () => {
    const waiting = await add();
    const urgent = await add({ priority: 'urgent' });
    const delayed = await add({ delayMs: HOUR_MS });
    const wish = { confirm: 'default', reason: 'added by mistake' };
    expect(await post('/api/queues/default/drain', { ...wish, dryRun: true })).toMatchObject({ status: 200 });
    const begun = await post('/api/queues/default/drain', wish);
    expect(begun).toMatchObject({ status: 202, body: { action: 'remove', reason: 'added by mistake' } });
    const location = String(begun.headers.get('location'));
    await eventually(async () => {
      expect((await call('GET', location)).body).toMatchObject({ status: 'completed' });
    }, 20_000);
    expect(await server.app.get(WorkerRunner).processNext('default')).toBeUndefined();
    for (const { id } of [waiting, urgent, delayed])
      expect((await call('GET', `/api/queue/jobs/${id}`)).status).toBe(410);
  });

  it('limits a queue over all its workers together, and takes the limits away again', async () => {
    const set = await call('PATCH', '/api/queues/default', {
      concurrency: 3,
      rateLimit: { max: 10, durationMs: 1_000 },
    });
    expect(set).toMatchObject({
      status: 200,
      body: { limits: { concurrency: 3, rateLimit: { max: 10, durationMs: 1_000 } } },
    });
    expect(await entry().queue.getGlobalConcurrency()).toBe(3);
    await call('PATCH', '/api/queues/default', { concurrency: null });
    expect((await settings()).limits).toEqual({
      concurrency: null,
      rateLimit: { max: 10, durationMs: 1_000 },
    });
    await call('PATCH', '/api/queues/default', { rateLimit: null });
    expect((await settings()).limits).toEqual({ concurrency: null, rateLimit: null });
    expect(await call('PATCH', '/api/queues/default', { concurrency: 0 })).toMatchObject({ status: 422 });
  });

  it('notes each of these in the audit', async () => {
    await post('/api/queues/default/pause', { reason: 'for the audit' });
    await post('/api/queues/default/resume');
    await eventually(async () => {
      const { items } = (await call('GET', '/api/queue/audit?limit=200')).body as {
        items: { action: string; reason: string | null }[];
      };
      expect(items).toContainEqual(
        expect.objectContaining({ action: 'queues.pause', reason: 'for the audit' }),
      );
      const actions = items.map(({ action }) => action);
      for (const action of ['queues.resume', 'queues.clean', 'queues.drain', 'queues.limit']) {
        expect(actions).toContain(action);
      }
    }, 10_000);
  });
});
