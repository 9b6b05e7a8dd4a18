import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

describe('the test of the queue over HTTP', () => {
  const servers: TestServer[] = [];

  const start = async (overrides?: Record<string, string>) => {
    const server = await startTestServer(overrides);
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  async function ask({ url }: TestServer, path: string, body?: object) {
    const response = await fetch(`${url}${path}`, {
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const text = await response.text();
    const json = (text === '' ? undefined : JSON.parse(text)) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, body: json };
  }
  const act = (server: TestServer, action: string, more: object = {}) =>
    ask(server, '/api/queue/test', { action, ...more });

  it('tells of queue, Redis and worker under both spellings', async () => {
    const server = await start();
    for (const path of ['/api/queue/test', '/queue/test']) {
      expect(await ask(server, path)).toMatchObject({
        status: 200,
        body: {
          queue: { name: 'default', waiting: 0, active: 0, completed: 0, failed: 0, delayed: 0 },
          redis: {
            configured: true,
            connected: true,
            latencyMs: expect.any(Number),
            memory: expect.stringMatching(/^[\d.]+[BKMG]$/),
            clients: expect.any(Number),
          },
          worker: { running: true, runningHere: true },
        },
      });
    }
  });

  it('adds a job that the worker runs, with the message of document 000 unless there is another', async () => {
    const server = await start();
    const added = await act(server, 'add-job');
    expect(added.status).toBe(202);
    expect(added.body['jobId']).toMatch(/^default_/);
    expect(added.headers.get('location')).toBe(`/api/queue/jobs/${String(added.body['jobId'])}`);
    await eventually(async () => {
      const { body } = await ask(server, `/api/queue/jobs/${String(added.body['jobId'])}`);
      expect(body).toMatchObject({ state: 'completed', result: { message: 'Test job' } });
    });
    expect((await ask(server, '/queue/test', { action: 'add-job', message: 'Hello' })).status).toBe(202);
    await eventually(async () => {
      expect((await ask(server, '/queue/test')).body).toMatchObject({ queue: { completed: 2 } });
    });
  });

  it('leaves the queue to a worker that runs, in this process or in another', async () => {
    const worker = await start();
    const other = await start({ ROLE: 'api', REDIS_PREFIX: worker.settings.REDIS_PREFIX });
    for (const server of [worker, other]) {
      expect(await act(server, 'process-next')).toMatchObject({
        status: 409,
        body: { code: 'worker_running' },
      });
    }
    expect((await act(worker, 'start-worker')).status).toBe(409);
    expect((await ask(other, '/api/queue/test')).body['worker']).toEqual({
      running: true,
      runningHere: false,
    });
  });

  it('works one job after the other by hand while no worker runs', async () => {
    const server = await start({ ROLE: 'api' });
    expect((await act(server, 'process-next')).status).toBe(204);
    await act(server, 'add-job', { message: 'first' });
    await act(server, 'add-job', { message: 'second', shouldFail: true });
    expect(await act(server, 'process-next')).toMatchObject({
      status: 200,
      body: { job: { state: 'completed', attempts: { made: 1 }, result: { message: 'first' } } },
    });
    expect(await act(server, 'process-next')).toMatchObject({
      status: 200,
      body: { job: { state: 'delayed', attempts: { made: 1, max: 3, nextAt: expect.any(String) } } },
    });
    expect((await ask(server, '/api/queue/test')).body).toMatchObject({
      queue: { waiting: 0, completed: 1, delayed: 1 },
      worker: { running: false, runningHere: false },
    });
  });

  it('starts the worker of this process once', async () => {
    const server = await start({ ROLE: 'api' });
    const { body } = await act(server, 'add-job');
    expect(await act(server, 'start-worker')).toMatchObject({
      status: 200,
      body: { worker: { running: true, runningHere: true } },
    });
    await eventually(async () => {
      expect((await ask(server, `/api/queue/jobs/${String(body['jobId'])}`)).body['state']).toBe('completed');
    });
    expect(await act(server, 'start-worker')).toMatchObject({
      status: 409,
      body: { code: 'worker_running' },
    });
    expect((await act(server, 'process-next')).status).toBe(409);
  });

  it('refuses what it does not know', async () => {
    const server = await start({ ROLE: 'api' });
    for (const action of ['stop', '', '__proto__', 7, undefined]) {
      const refused = await ask(server, '/api/queue/test', { action });
      expect(refused).toMatchObject({ status: 400, body: { code: 'action_unknown' } });
      expect(refused.body['detail']).toContain('add-job, start-worker, process-next');
    }
    expect((await act(server, 'add-job', { delay: 60_001 })).status).toBe(422);
    expect((await act(server, 'add-job', { foo: 1 })).status).toBe(400);
  });

  it('is not there where it is switched off', async () => {
    const server = await start({ ROLE: 'api', QUEUE_TEST_ENABLED: 'false' });
    for (const path of ['/api/queue/test', '/queue/test']) {
      expect((await ask(server, path)).status).toBe(404);
      expect((await ask(server, path, { action: 'nope' })).status).toBe(404);
    }
  });
});
