import { request as send, type IncomingHttpHeaders } from 'node:http';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-dashboard-spec';
const NOBODY_LISTENS = 'redis://127.0.0.1:1';
const BOARD = '/admin/queues';
const ADD = `${BOARD}/api/queues/default/add`;
const bearer = (key: string) => `Bearer ${key}`;
const withKey = { authorization: bearer(KEY) };
const json = { 'content-type': 'application/json' };

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends the path as it is written; fetch would tidy it up. */
function call(server: TestServer, path: string, options: CallOptions = {}): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const request = send({ hostname, port, path, method, headers: { connection: 'close', ...headers } });
    request.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    request.end(body);
  });
}

interface CallOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

describe('the dashboard', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: KEY });
  });

  afterAll(() => server.close());

  const dispatch = (options = {}) =>
    server.app.get(JobDispatcher).dispatch('test-job', { message: 'hello' }, options);
  const jobCount = async () => {
    const queue = server.app.get(QueueRegistry).get('default')?.queue;
    const counts = (await queue?.getJobCounts()) ?? {};
    return Object.values(counts).reduce((total, count) => total + count, 0);
  };
  const addJson = (body: object, headers: Record<string, string> = {}) =>
    call(server, ADD, {
      method: 'POST',
      headers: { ...withKey, ...json, ...headers },
      body: JSON.stringify(body),
    });

  const served = [
    ['GET', BOARD],
    ['GET', `${BOARD}/`],
    ['HEAD', BOARD],
    ['GET', `${BOARD}/queue/default`],
    ['GET', '/admin/%71ueues'],
    ['GET', '/%61dmin/queues/api/queues'],
    ['GET', `${BOARD}/api/queues`],
    ['HEAD', `${BOARD}/api/queues`],
    ['GET', `${BOARD}/static/images/logo.svg`],
    ['HEAD', `${BOARD}/static/images/logo.svg`],
    ['GET', `${BOARD}/api/redis/stats`],
  ] as const;
  const changes = [
    ['PUT', `${BOARD}/api/queues/default/pause`],
    ['PUT', '/admin/%71ueues/api/queues/default/pause'],
    ['PUT', `${BOARD}/api/queues/pause`],
    ['PUT', `${BOARD}/api/queues/default/empty`],
    ['POST', ADD],
    ['PATCH', `${BOARD}/api/queues/default/x/update-data`],
  ] as const;
  const elsewhere = [
    ['GET', '/ADMIN/queues'],
    ['GET', '/admin/QUEUES/api/queues'],
    ['GET', '//admin/queues'],
    ['GET', '//admin//queues/api/queues'],
    ['GET', '/admin/queues;/api/queues'],
    ['GET', '/admin/./queues/../queues/api/queues'],
    ['GET', '/admin%2fqueues/api/queues'],
    ['PUT', '/ADMIN/queues/api/queues/default/pause'],
    ['PUT', '//admin/queues/api/queues/default/pause'],
    ['PUT', `${BOARD}/api/queues/default/pause/`],
    ['TRACE', `${BOARD}/api/queues`],
    ['OPTIONS', `${BOARD}/api/queues`],
  ] as const;

  describe('without the key', () => {
    it.each([...served, ...changes])('answers %s %s with 401 and asks for the key', async (method, path) => {
      const { status, headers, text } = await call(server, path, { method });
      expect(status).toBe(401);
      expect(headers['www-authenticate']).toBe('Bearer realm="Holdfast"');
      expect(headers['cache-control']).toBe('no-store');
      expect(text).not.toContain('"queues"');
    });

    it.each(elsewhere)('gives nothing away at %s %s', async (method, path) => {
      const { status, text } = await call(server, path, { method });
      expect([204, 400, 401, 404, 405]).toContain(status);
      expect(text).not.toContain('"queues"');
    });

    it.each([
      ['a wrong key', bearer('not-the-key')],
      ['the start of the key', bearer(KEY.slice(0, -1))],
      ['a password', `Basic ${Buffer.from(`anybody:${KEY}`).toString('base64')}`],
      ['nothing', 'Bearer '],
    ])('refuses %s', async (_name, authorization) => {
      expect((await call(server, BOARD, { headers: { authorization } })).status).toBe(401);
    });

    it('has paused nothing', async () => {
      expect(await server.app.get(QueueRegistry).get('default')?.queue.isPaused()).toBe(false);
    });
  });

  describe('with the key', () => {
    it.each(served.slice(0, -1))('serves %s %s', async (method, path) => {
      expect((await call(server, path, { method, headers: withKey })).status).toBe(200);
    });

    it('shows every queue of the registry, and not where Redis is', async () => {
      const { text } = await call(server, `${BOARD}/api/queues`, { headers: withKey });
      const shown = (JSON.parse(text) as { queues: { name: string; description: string }[] }).queues;
      const registered = server.app.get(QueueRegistry).all();
      expect(shown.map(({ name }) => name).sort()).toEqual(
        registered.flatMap(({ definition: { name } }) => [name, `${name}_dlq`]).sort(),
      );
      for (const { description } of shown) expect(description).not.toBe('');
      expect((await call(server, `${BOARD}/api/redis/stats`, { headers: withKey })).status).toBe(403);
    });

    it('asks no foreign host for anything', async () => {
      const { text, headers } = await call(server, BOARD, { headers: withKey });
      expect(text).toContain('<script');
      expect(text).not.toMatch(/(?:src|href|action)\s*=\s*["']?(?:https?:)?\/\//i);
      expect(text).not.toMatch(/@import|url\(\s*["']?(?:https?:)?\/\//i);
      const scripts = [...text.matchAll(/<(?:script|link)\b[^>]*(?:src|href)="([^"]+)"/g)].map(
        ([, path]) => path,
      );
      expect(scripts.length).toBeGreaterThan(3);
      for (const path of scripts) {
        expect((await call(server, `${BOARD}/${path}`, { headers: withKey })).status).toBe(200);
      }
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    });

    it.each([BOARD, `${BOARD}/api/queues`, `${BOARD}/static/images/logo.svg`])(
      'lets nobody keep, frame or reinterpret %s',
      async (path) => {
        const { headers } = await call(server, path, { headers: withKey });
        expect(headers['cache-control']).toBe('no-store');
        expect(headers['x-content-type-options']).toBe('nosniff');
        expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      },
    );
  });

  describe('against pages of other sites', () => {
    it.each([
      ['application/x-www-form-urlencoded', 'name=test-job&data[message]=x'],
      ['text/plain', '{"name":"test-job","data":{"message":"x"}}'],
      ['text/plain;application/json', '{"name":"test-job","data":{"message":"x"}}'],
      [
        'multipart/form-data; boundary=x',
        '--x\r\ncontent-disposition: form-data; name="name"\r\n\r\ntest-job\r\n--x--',
      ],
      ['application/jsonp', '{"name":"test-job","data":{"message":"x"}}'],
      ['', '{"name":"test-job","data":{"message":"x"}}'],
    ])('adds no job from a body of type "%s"', async (type, body) => {
      const before = await jobCount();
      const headers = { ...withKey, ...(type !== '' && { 'content-type': type }) };
      const { status } = await call(server, ADD, { method: 'POST', headers, body });
      expect(status).toBe(415);
      expect(await jobCount()).toBe(before);
    });

    it.each([
      [{ 'sec-fetch-site': 'cross-site' }],
      [{ 'sec-fetch-site': 'same-site' }],
      [{ origin: 'https://evil.example' }],
      [{ origin: 'null' }],
    ])('refuses changes with %j', async (headers) => {
      const before = await jobCount();
      const add = await addJson({ name: 'test-job', data: { message: 'x' } }, headers);
      expect(add.status).toBe(403);
      const path = `${BOARD}/api/queues/default/pause`;
      const pause = await call(server, path, { method: 'PUT', headers: { ...withKey, ...headers } });
      expect(pause.status).toBe(403);
      expect(await jobCount()).toBe(before);
      expect(await server.app.get(QueueRegistry).get('default')?.queue.isPaused()).toBe(false);
    });

    it('does nothing for any of them, and lies in no frame of theirs', async () => {
      const before = await jobCount();
      const foreign = [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { origin: 'null' },
      ];
      const types = ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x'];
      let refused = 0;
      const attempts = changes.flatMap(([method, path]) => [
        ...foreign.map((headers) => ({ method, path, headers: { ...json, ...headers } })),
        ...types.map((type) => ({ method, path, headers: { 'content-type': type } })),
      ]);
      for (const { method, path, headers } of attempts) {
        const sent = { method, headers: { ...withKey, ...headers }, body: '{}' };
        const { status } = await call(server, path, sent);
        if ([403, 415].includes(status)) refused += 1;
      }
      const pages = [BOARD, `${BOARD}/queue/default`, '/ui/login', '/docs', '/problems'];
      const framed = [];
      for (const path of pages) {
        const { headers } = await call(server, path, { headers: { ...withKey, accept: 'text/html' } });
        if (!String(headers['content-security-policy']).includes("frame-ancestors 'none'")) framed.push(path);
      }
      process.stdout.write(
        `A08 attempts=${attempts.length} refused=${refused} pages=${pages.length} framed=${framed.length}\n`,
      );
      expect([refused, framed]).toEqual([attempts.length, []]);
      expect(await jobCount()).toBe(before);
    });

    it('takes changes from its own page', async () => {
      const headers = { ...withKey, 'sec-fetch-site': 'same-origin', origin: server.url };
      const put = (verb: string) =>
        call(server, `${BOARD}/api/queues/default/${verb}`, { method: 'PUT', headers });
      expect((await put('pause')).status).toBe(200);
      expect(await server.app.get(QueueRegistry).get('default')?.queue.isPaused()).toBe(true);
      expect((await put('resume')).status).toBe(200);
    });
  });

  describe('against itself', () => {
    it('adds a job under an id of ours, with the payload checked', async () => {
      const { status, text } = await addJson({
        name: 'test-job',
        data: { message: 'from the board' },
        options: { attempts: 2, delay: 3_600_000 },
      });
      expect(status).toBe(200);
      const { id } = (JSON.parse(text) as { job: { id: string } }).job;
      const job = await server.app.get(JobReader).read(id);
      expect(job).toMatchObject({ queue: 'default', type: 'test-job', state: 'delayed', attemptsMax: 2 });
    });

    it.each([
      [
        'an id of the caller',
        { name: 'test-job', data: { message: 'x' }, options: { jobId: 'active' } },
        422,
      ],
      [
        'an unknown option',
        { name: 'test-job', data: { message: 'x' }, options: { repeat: { every: 1 } } },
        400,
      ],
      ['a wild option', { name: 'test-job', data: { message: 'x' }, options: { attempts: 1e9 } }, 422],
      ['a wrong payload', { name: 'test-job', data: { message: 1 } }, 422],
      ['no payload', { name: 'test-job' }, 422],
      ['a job nobody declared', { name: '__default__', data: { message: 'x' } }, 404],
    ])('adds no job with %s', async (_name, body, status) => {
      const before = await jobCount();
      const answer = await addJson(body);
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.text)).toMatchObject({ error: expect.anything() });
      expect(await jobCount()).toBe(before);
    });

    it('lets a job be duplicated with the options it shows', async () => {
      const { id = '' } = await dispatch({ key: 'original', delayMs: 3_600_000 });
      const { text } = await call(server, `${BOARD}/api/queues/default/${id}`, { headers: withKey });
      const { name, data, opts } = (JSON.parse(text) as { job: Record<string, unknown> }).job;
      expect(opts).not.toHaveProperty('jobId');
      const copy = await addJson({ name, data, options: opts });
      expect(copy.status).toBe(200);
      expect((JSON.parse(copy.text) as { job: { id: string } }).job.id).not.toBe(id);
    });

    it.each(['active', 'wait', 'meta', 'events', 'id'])('shows no job named %s', async (name) => {
      const { status } = await call(server, `${BOARD}/api/queues/default/${name}`, { headers: withKey });
      expect(status).toBe(404);
    });

    it('checks the payload that replaces another', async () => {
      const { id = '' } = await dispatch({ delayMs: 3_600_000 });
      const replace = (jobData: object) =>
        call(server, `${BOARD}/api/queues/default/${id}/update-data`, {
          method: 'PATCH',
          headers: { ...withKey, ...json },
          body: JSON.stringify({ jobData }),
        });
      expect((await replace({ message: 7 })).status).toBe(422);
      expect((await replace({ message: 'changed' })).status).toBe(200);
      expect((await server.app.get(JobReader).read(id))?.data).toBe('{"message":"changed"}');
    });

    it('runs no completed job again, and obliterates no queue', async () => {
      const { id = '' } = await dispatch({ priority: 'urgent' });
      await server.app.get(WorkerRunner).processNext('default');
      expect((await server.app.get(JobReader).read(id))?.state).toBe('completed');
      const put = (path: string) =>
        call(server, `${BOARD}/api/queues/default/${path}`, { method: 'PUT', headers: withKey });
      expect((await put(`${id}/retry`)).status).toBe(409);
      expect((await put('retry/completed')).status).toBe(409);
      await put('pause');
      expect((await put('obliterate')).status).toBe(403);
      await put('resume');
      expect((await server.app.get(JobReader).read(id))?.state).toBe('completed');
    });

    it('cleans states only, never a key of the queue', async () => {
      for (const [state, status] of [
        ['meta', 400],
        ['id', 400],
        ['__proto__', 400],
        ['completed', 200],
      ]) {
        const path = `${BOARD}/api/queues/default/clean/${state}`;
        const answer = await call(server, path, { method: 'PUT', headers: withKey });
        expect([state, answer.status]).toEqual([state, status]);
      }
    });

    it('removes, cleans and empties so that the history knows what went', async () => {
      const put = (path: string, method = 'PUT') =>
        call(server, `${BOARD}/api/queues/default/${path}`, { method, headers: withKey });
      const add = async () => {
        const { id } = await dispatch({ delayMs: 0 });
        return id ?? '';
      };
      const removed = await add();
      expect((await put(`${removed}/clean`)).status).toBe(204);
      const emptied = [await add(), await add()];
      expect((await put('empty')).status).toBe(200);
      for (const id of [removed, ...emptied]) {
        expect(await server.app.get(JobReader).read(id)).toBeUndefined();
        const { status, text } = await call(server, `/api/queue/jobs/${id}`, { headers: withKey });
        expect({ status, text }).toMatchObject({ status: 410, text: expect.stringContaining('left Redis') });
      }
    });

    it.each([
      ['{', 400],
      ['[1,2', 400],
      [JSON.stringify({ name: 'x'.repeat(1_100_000) }), 413],
    ])('answers a body it cannot read without a stack', async (body, status) => {
      const answer = await call(server, ADD, { method: 'POST', headers: { ...withKey, ...json }, body });
      expect(answer.status).toBe(status);
      expect(answer.text).not.toMatch(/\bat .*\.js|node_modules|Unexpected/);
    });
  });

  it('answers within a second while Redis is away', async () => {
    const lame = await startTestServer({ ROLE: 'api', REDIS_URL: NOBODY_LISTENS });
    try {
      for (const path of [BOARD, `${BOARD}/api/queues`, `${BOARD}/queue/default`]) {
        const startedAt = performance.now();
        const { status, headers } = await call(lame, path);
        expect({ path, status }).toEqual({ path, status: 503 });
        expect(headers['retry-after']).toBe('1');
        expect(performance.now() - startedAt).toBeLessThan(1_000);
      }
    } finally {
      await lame.close();
    }
  });

  it('is open to this machine alone while there is no key', async () => {
    const open = await startTestServer({ ROLE: 'api' });
    try {
      expect((await call(open, `${BOARD}/api/queues`)).status).toBe(200);
      for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', '10.0.0.1']) {
        const { status, text } = await call(open, `${BOARD}/api/queues`, { headers: { host } });
        expect({ host, status }).toEqual({ host, status: 403 });
        expect(text).not.toContain('"queues"');
      }
    } finally {
      await open.close();
    }
  });
});
