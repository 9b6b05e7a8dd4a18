import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { load, YAML11_SCHEMA } from 'js-yaml';
import { readSettings } from '../../src/config/read-settings';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-contract-004-spec';
const root = resolve(__dirname, '../..');

interface Job {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly state: string;
  readonly done: boolean;
  readonly priority: string;
  readonly runAt: string | null;
  readonly attempts: { made: number; max: number };
  readonly warnings?: string[];
  readonly deduplicated: boolean;
  readonly result?: Record<string, unknown>;
  readonly error?: { name: string; message: string };
  readonly errors?: { pointer: string }[];
}

describe('document 004, the queue server', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ HOLDFAST_BOOTSTRAP_KEY: KEY });
  });

  afterAll(() => server.close());

  const call = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Job };
  };
  const add = (type: string, data: object, options: object = {}) =>
    call('POST', '/queue/jobs', { type, data, options });
  /** The job once it has ended. */
  const run = async (type: string, data: object, options: object = {}): Promise<Job> => {
    const { status, body } = await add(type, data, options);
    expect({ status, errors: body.errors }).toEqual({ status: 202, errors: undefined });
    return ended(body.id);
  };
  const ended = async (id: string): Promise<Job> => {
    let job: Job | undefined;
    await eventually(async () => {
      job = (await call('GET', `/queue/jobs/${id}`)).body;
      expect(job.done).toBe(true);
    }, 60_000);
    return job!;
  };
  const upload = async (name: string): Promise<string> => {
    const form = new FormData();
    const bytes = await readFile(join(root, 'test/fixtures/files', name));
    form.append('file', new Blob([Uint8Array.from(bytes)]), name);
    const answer = await fetch(`${server.url}/api/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: form,
    });
    return ((await answer.json()) as { id: string }).id;
  };

  describe('its six job types', () => {
    it.each(['welcome', 'security_alert', 'test'])(
      'EMAIL_SEND sends "%s" as its examples do, without variables',
      async (template) => {
        const job = await run('EMAIL_SEND', { to: 'user@example.com', subject: 'Welcome', template });
        expect(job).toMatchObject({
          state: 'completed',
          queue: 'email',
          result: { messageId: expect.any(String) },
        });
      },
    );

    it('EMAIL_SEND takes variables and attachments by their storage keys', async () => {
      const path = await upload('letter.pdf');
      const job = await run('EMAIL_SEND', {
        to: 'user@example.com',
        subject: 'Welcome',
        template: 'welcome',
        variables: { name: 'Ada' },
        attachments: [{ filename: 'letter.pdf', path }],
      });
      expect(job.state).toBe('completed');
    });

    it.each(['info', 'warning', 'error', 'success'])(
      'USER_NOTIFICATION of type %s is kept for its user',
      async (type) => {
        const userId = `user-${type}`;
        const data = {
          userId,
          title: 'Reminder',
          body: 'Your subscription expires soon',
          type,
          metadata: { plan: 7 },
        };
        expect((await run('USER_NOTIFICATION', data)).state).toBe('completed');
        const { body } = await call('GET', `/api/notifications?userId=${userId}`);
        expect(body).toMatchObject({
          items: [{ title: 'Reminder', body: 'Your subscription expires soon', type, metadata: { plan: 7 } }],
        });
      },
    );

    it('USER_NOTIFICATION of its usage example, which names no type, is an info', async () => {
      const data = { userId: 'user123', title: 'Reminder', body: 'Your subscription expires soon' };
      expect((await run('USER_NOTIFICATION', data)).state).toBe('completed');
      const { body } = await call('GET', '/api/notifications?userId=user123');
      expect(body).toMatchObject({ items: [{ type: 'info' }] });
    });

    it.each(['csv', 'json', 'xlsx'])('DATA_EXPORT makes a file of type %s', async (exportType) => {
      const job = await run('DATA_EXPORT', {
        exportType,
        filters: { state: 'completed' },
        columns: ['id', 'type'],
      });
      expect(job).toMatchObject({ state: 'completed', result: { fileId: expect.any(String) } });
      const file = await fetch(`${server.url}/api/files/${String(job.result?.['fileId'])}/content`, {
        headers: { authorization: `Bearer ${KEY}` },
      });
      expect(file.status).toBe(200);
    });

    it.each([
      ['resize', 'screen.png', { width: 32 }],
      ['compress', 'letter.pdf', {}],
      ['convert', 'screen.png', { format: 'webp' }],
      ['extract_text', 'letter.docx', {}],
    ])('FILE_PROCESS does %s', async (operation, name, options) => {
      const job = await run('FILE_PROCESS', { filePath: await upload(name), operation, options });
      expect(job).toMatchObject({ state: 'completed', result: { fileId: expect.any(String) } });
    });

    it('CACHE_WARM computes a value under its key for a while', async () => {
      const job = await run('CACHE_WARM', { cacheKey: 'start', dataSource: 'queue-stats', ttl: 60 });
      expect(job).toMatchObject({
        state: 'completed',
        result: { cacheKey: 'start', bytes: expect.any(Number) },
      });
    });

    it.each([
      ['temp_files', { pattern: '*.tmp' }],
      ['old_logs', { path: 'app' }],
      ['expired_sessions', {}],
    ])('CLEANUP cleans %s', async (targetType, more) => {
      const job = await run('CLEANUP', { targetType, olderThan: 86_400_000, ...more });
      expect(job.state).toBe('completed');
    });

    it.each([
      ['EMAIL_SEND', { to: 'nobody', subject: 'x', template: 'test' }, '#/data/to'],
      ['USER_NOTIFICATION', { userId: 'u', title: 'x', body: 'x', type: 'loud' }, '#/data/type'],
      ['DATA_EXPORT', { exportType: 'pdf', filters: {} }, '#/data/exportType'],
      ['FILE_PROCESS', { filePath: '../../etc/passwd', operation: 'compress' }, '#/data/filePath'],
      ['CACHE_WARM', { cacheKey: 'x', dataSource: 'x' }, '#/data/dataSource'],
      ['CLEANUP', { targetType: 'everything', olderThan: 3_600_000 }, '#/data/targetType'],
    ])('%s refuses what is not for it, and says where', async (type, data, pointer) => {
      const { status, body } = await add(type, data);
      expect(status).toBe(422);
      expect(body.errors?.map((error) => error.pointer)).toContain(pointer);
    });
  });

  describe('its options', () => {
    const test = { to: 'user@example.com', subject: 'x', template: 'test' };

    beforeAll(() => call('POST', '/queue/pause', { queue: 'email' }));
    afterAll(() => call('POST', '/queue/resume', { queue: 'email' }));

    it.each([
      [1, 'low'],
      [5, 'normal'],
      [10, 'high'],
      [20, 'urgent'],
    ])('priority %s is %s', async (priority, name) => {
      expect((await add('EMAIL_SEND', test, { priority })).body.priority).toBe(name);
    });

    it.each([0, 21, 1.5, '5'])('refuses priority %j', async (priority) => {
      const { status, body } = await add('EMAIL_SEND', test, { priority });
      expect([status, body.errors?.[0]?.pointer]).toEqual([422, '#/options/priority']);
    });

    it('delay, attempts and jobId are as they say', async () => {
      const { body } = await add('EMAIL_SEND', test, { delay: 30_000, attempts: 5, jobId: 'mail-4711' });
      expect(body).toMatchObject({ state: 'delayed', attempts: { max: 5 }, key: 'mail-4711' });
      const again = await add('EMAIL_SEND', test, { delay: 30_000, attempts: 5, jobId: 'mail-4711' });
      expect(again).toMatchObject({ status: 200, body: { id: body.id, deduplicated: true } });
    });

    it.each([
      [{ removeOnComplete: 10, removeOnFail: 50 }, 2],
      [{ removeOnComplete: true }, 1],
      [{ removeOnComplete: false, removeOnFail: false }, 0],
    ])('takes %j, and trims nobody else’s jobs', async (options, warnings) => {
      const { status, body } = await add('EMAIL_SEND', test, options);
      expect([status, body.warnings?.length ?? 0]).toEqual([202, warnings]);
      const stored = await server.app.get(QueueRegistry).get('email')!.queue.getJob(body.id);
      expect(stored?.opts).not.toHaveProperty('removeOnComplete');
    });

    it.each([{ timeout: 5 }, { repeat: { every: 5 } }, { lifo: true }])(
      'refuses %j, which it does not know',
      async (options) => {
        expect((await add('EMAIL_SEND', test, options)).status).toBe(400);
      },
    );
  });

  describe.each(['', '/api'])('its paths, under "%s"', (prefix) => {
    it('adds, reads and removes a job', async () => {
      const data = { targetType: 'expired_sessions', olderThan: 3_600_000 };
      const added = await call('POST', `${prefix}/queue/jobs`, {
        type: 'CLEANUP',
        data,
        options: { delay: 60_000 },
      });
      expect(added.status).toBe(202);
      const path = `${prefix}/queue/jobs/${added.body.id}`;
      expect(await call('GET', path)).toMatchObject({
        status: 200,
        body: { state: 'delayed', type: 'CLEANUP' },
      });
      expect((await call('DELETE', `${path}?reason=of+the+contract`)).status).toBe(204);
      expect((await call('GET', path)).body).toMatchObject({ state: 'cancelled', done: true });
    });

    it('counts, pauses, resumes and cleans', async () => {
      const stats = await call('GET', `${prefix}/queue/stats`);
      for (const state of ['waiting', 'active', 'completed', 'failed', 'delayed']) {
        expect(stats.body).toHaveProperty(state, expect.any(Number));
      }
      expect(await call('POST', `${prefix}/queue/pause`)).toMatchObject({
        status: 200,
        body: { paused: true },
      });
      expect(await call('POST', `${prefix}/queue/resume`)).toMatchObject({
        status: 200,
        body: { paused: false },
      });
      for (const state of ['completed', 'failed']) {
        const cleaned = await call('POST', `${prefix}/queue/clean/${state}`, { olderThanMs: 86_400_000 });
        expect(cleaned).toMatchObject({ status: 200, body: { removed: 0 } });
      }
    });

    it.each([
      ['GET', '/queue/stats'],
      ['POST', '/queue/jobs'],
      ['POST', '/queue/pause'],
      ['POST', '/queue/resume'],
      ['POST', '/queue/clean/completed'],
      ['POST', '/queue/clean/failed'],
      ['DELETE', '/queue/jobs/x'],
    ])('answers %s %s to nobody without a key', async (method, path) => {
      const answer = await fetch(server.url + prefix + path, { method });
      await answer.arrayBuffer();
      expect(answer.status).toBe(401);
    });
  });

  it('tells what a failed job died of, and after how many attempts', async () => {
    const job = await run('FILE_PROCESS', { filePath: `file_${'x'.repeat(22)}`, operation: 'compress' });
    expect(job).toMatchObject({ state: 'failed', attempts: { made: 1 } });
    expect(job.error?.message).toMatch(/no file|not there|gone|does not exist/i);
  });

  it('keeps each job beside its queue’s other keys, below bull', async () => {
    expect(readSettings({}).REDIS_PREFIX).toBe('bull');
    const { body } = await add(
      'CLEANUP',
      { targetType: 'expired_sessions', olderThan: 3_600_000 },
      { delay: 60_000 },
    );
    const { producer } = server.app.get(RedisConnections);
    expect(await producer.exists(`${server.settings.REDIS_PREFIX}:cleanup:${body.id}`)).toBe(1);
  });

  it('reads its variables', () => {
    const settings = readSettings({
      REDIS_HOST: 'redis',
      REDIS_PORT: '6379',
      REDIS_PASSWORD: '',
      REDIS_DB: '0',
      QUEUE_CONCURRENCY: '5',
      QUEUE_REMOVE_ON_COMPLETE: '10',
      QUEUE_REMOVE_ON_FAIL: '50',
    });
    expect(settings).toMatchObject({ REDIS_HOST: 'redis', REDIS_PORT: 6379, REDIS_DB: 0 });
    expect(settings.queueNumbers).toMatchObject({
      concurrency: { all: 5 },
      completed: { all: 10 },
      failed: { all: 50 },
    });
  });

  it('has its services, and a worker that can be scaled', async () => {
    const text = await readFile(join(root, 'docker-compose.yml'), 'utf8');
    const { services } = load(text, { schema: YAML11_SCHEMA }) as {
      services: Record<
        string,
        { ports?: unknown; container_name?: unknown; environment?: { ROLE?: string } }
      >;
    };
    expect(Object.keys(services)).toEqual(expect.arrayContaining(['app', 'queue-worker', 'redis']));
    // Either would keep a second one from starting on the same machine.
    expect(services['queue-worker']).not.toHaveProperty('container_name');
    expect(services['queue-worker']).not.toHaveProperty('ports');
    expect([services['app'], services['queue-worker']].map((service) => service?.environment?.ROLE)).toEqual([
      'api',
      'worker',
    ]);
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['worker:queue']).toBe('node scripts/worker.mjs');
  });
});
