import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The specs below are what says which members an answer has.
  readonly body: Record<string, never> & Record<string, unknown>;
}

describe('jobs over HTTP', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
  }

  const enqueue = (
    options?: unknown,
    data: unknown = { message: 'hello' },
    headers?: Record<string, string>,
  ) =>
    call(
      'POST',
      '/api/queue/jobs',
      { type: 'test-job', data, ...(options !== undefined && { options }) },
      headers,
    );
  const read = (id: unknown, headers?: Record<string, string>) =>
    call('GET', `/api/queue/jobs/${String(id)}`, undefined, headers);
  const pointers = ({ body }: Answer) =>
    (body['errors'] as unknown as { pointer: string }[]).map(({ pointer }) => pointer);

  it.each(['/api/queue/jobs', '/queue/jobs'])('accepts a job at %s and says where to ask', async (path) => {
    const accepted = await call('POST', path, { type: 'test-job', data: { message: 'hello' } });
    expect(accepted.status).toBe(202);
    const id = String(accepted.body['id']);
    expect(id).toMatch(/^default_[A-Za-z0-9_-]{22}$/);
    expect(accepted.headers.get('location')).toBe(`/api/queue/jobs/${id}`);
    expect(accepted.headers.get('retry-after')).toBe('1');
    expect(accepted.body).toMatchObject({
      key: null,
      queue: 'default',
      type: 'test-job',
      done: false,
      priority: 'normal',
      attempts: { made: 0, max: 3 },
      deduplicated: false,
      links: { self: `/api/queue/jobs/${id}`, dashboard: `/admin/queues/queue/default/${id}` },
    });
    await eventually(async () => {
      const { body, headers } = await call('GET', `${path}/${id}`);
      expect(body).toMatchObject({
        state: 'completed',
        done: true,
        attempts: { made: 1, max: 3 },
        progress: { percent: 100 },
        result: { message: 'hello', processedAt: expect.any(String), durationMs: expect.any(Number) },
        finishedAt: expect.stringMatching(/Z$/),
      });
      expect(body).not.toHaveProperty('error');
      expect(headers.get('retry-after')).toBeNull();
    });
  });

  it('waits for the end when the caller prefers to', async () => {
    const finished = await enqueue(
      undefined,
      { message: 'now', delay: 100 },
      { prefer: 'respond-async, wait=10' },
    );
    expect(finished.status).toBe(200);
    expect(finished.headers.get('preference-applied')).toBe('wait=10');
    expect(finished.headers.get('location')).toBe(`/api/queue/jobs/${String(finished.body['id'])}`);
    expect(finished.body).toMatchObject({ state: 'completed', result: { message: 'now' } });
  });

  it('answers 202 when the wait was too short', async () => {
    const accepted = await enqueue({ delay: 3_600_000 }, undefined, { prefer: 'wait=1' });
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get('preference-applied')).toBeNull();
    expect(accepted.body).toMatchObject({ state: 'delayed', done: false });
  });

  it('tries a failing job again after a growing wait, and ends with its error and no result', async () => {
    const options = { attempts: 2, backoff: { type: 'fixed', delay: 300 } };
    const { body } = await enqueue(options, { message: 'no', shouldFail: true });
    await eventually(async () => {
      expect((await read(body['id'])).body).toMatchObject({
        state: 'delayed',
        attempts: { made: 1, max: 2, nextAt: expect.any(String) },
      });
    });
    await eventually(async () => {
      const failed = (await read(body['id'])).body;
      expect(failed).toMatchObject({
        state: 'failed',
        done: true,
        attempts: { made: 2, max: 2 },
        error: { name: 'Error', message: expect.stringContaining('shouldFail') },
      });
      expect(failed).not.toHaveProperty('result');
      expect(failed).not.toHaveProperty('runAt');
    }, 10_000);
  });

  it.each([
    [20, 'urgent'],
    [10, 'high'],
    [5, 'normal'],
    [1, 'low'],
    ['low', 'low'],
  ])('takes priority %s for %s', async (priority, name) => {
    const { body } = await enqueue({ priority, delay: 3_600_000 });
    expect(body['priority']).toBe(name);
    expect((await read(body['id'])).body['priority']).toBe(name);
  });

  it('delays until a time with a zone, and runs at once when that has passed', async () => {
    const runAt = new Date(Date.now() + 7_200_000).toISOString();
    const later = await enqueue({ runAt });
    expect(later.body['state']).toBe('delayed');
    const difference = Date.parse(String(later.body['runAt'])) - Date.parse(runAt);
    expect(Math.abs(difference)).toBeLessThanOrEqual(1_000);
    expect((await read(later.body['id'])).body['runAt']).toBe(later.body['runAt']);
    const past = await enqueue({ runAt: '2001-01-01T00:00:00+01:00' }, undefined, { prefer: 'wait=10' });
    expect(past.body['state']).toBe('completed');
  });

  describe('with a key of the caller', () => {
    it('answers a repeat with the stored job', async () => {
      const options = { jobId: 'order #1: "é"', delay: 3_600_000 };
      const first = await enqueue(options, { message: 'one', delay: 5 });
      expect(first).toMatchObject({ status: 202, body: { deduplicated: false, key: 'order #1: "é"' } });
      const second = await enqueue(options, { delay: 5, message: 'one' });
      expect(second).toMatchObject({ status: 200, body: { deduplicated: true, id: first.body['id'] } });
      expect(second.headers.get('location')).toBe(first.headers.get('location'));
    });

    it('refuses another payload under the same key, and names the job that has it', async () => {
      const options = { jobId: 'conflict', delay: 3_600_000 };
      const first = await enqueue(options, { message: 'one' });
      const second = await enqueue(options, { message: 'two' });
      expect(second.status).toBe(409);
      expect(second.body).toMatchObject({ code: 'job_key_conflict', jobId: first.body['id'] });
    });

    it('makes one job of twenty requests at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => enqueue({ jobId: 'race', delay: 3_600_000 }, { message: 'race' })),
      );
      expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1);
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    });

    it.each(['wait', 'active', 'meta', 'events', '0', '-1', 'a:b', '__proto__', ' ', '<b>'])(
      'stays harmless when the key is %j',
      async (jobId) => {
        const { status, body } = await enqueue({ jobId }, { message: 'm' }, { prefer: 'wait=10' });
        expect({ status, state: body['state'], key: body['key'] }).toEqual({
          status: 200,
          state: 'completed',
          key: jobId,
        });
      },
    );
  });

  describe('refuses', () => {
    it.each([
      ['a negative delay', { delay: -1 }, '#/options/delay'],
      ['a delay that is text', { delay: '5' }, '#/options/delay'],
      ['a delay beyond a year', { delay: 1e20 }, '#/options/delay'],
      ['half a millisecond', { delay: 1.5 }, '#/options/delay'],
      ['a time without a zone', { runAt: '2030-01-01T00:00:00' }, '#/options/runAt'],
      ['a date that does not exist', { runAt: '2030-13-45T00:00:00Z' }, '#/options/runAt'],
      ['the 31st of February', { runAt: '2030-02-31T00:00:00Z' }, '#/options/runAt'],
      ['a leap second', { runAt: '2030-06-30T23:59:60Z' }, '#/options/runAt'],
      ['a time beyond a year', { runAt: '2999-01-01T00:00:00Z' }, '#/options/runAt'],
      ['a time beside a delay', { runAt: '2001-01-01T00:00:00Z', delay: 5 }, '#/options/runAt'],
      ['no attempt', { attempts: 0 }, '#/options/attempts'],
      ['a thousand attempts', { attempts: 1_000 }, '#/options/attempts'],
      ['an unknown priority', { priority: 'soon' }, '#/options/priority'],
      ['a priority of BullMQ', { priority: 2_097_152 }, '#/options/priority'],
      ['a priority of 0', { priority: 0 }, '#/options/priority'],
      ['an unknown backoff', { backoff: { type: 'nope', delay: 1 } }, '#/options/backoff/type'],
      ['a backoff of days', { backoff: { type: 'fixed', delay: 1e15 } }, '#/options/backoff/delay'],
      [
        'a backoff that outlives everybody',
        { attempts: 25, backoff: { type: 'exponential', delay: 86_400_000 } },
        '#/options/backoff/delay',
      ],
      ['a key that is a number', { jobId: 7 }, '#/options/jobId'],
      ['an empty key', { jobId: '' }, '#/options/jobId'],
      ['a key of 256 characters', { jobId: 'k'.repeat(256) }, '#/options/jobId'],
      ['a negative retention', { removeOnComplete: -5 }, '#/options/removeOnComplete'],
      ['options that are a list', [], '#/options'],
    ])('%s', async (_what, options, pointer) => {
      const refused = await enqueue(options);
      expect(refused.status).toBe(422);
      expect(refused.headers.get('content-type')).toContain('application/problem+json');
      expect(pointers(refused)).toContain(pointer);
    });

    it.each(['repeat', 'timeout', 'foo', 'parent', 'timestamp'])('the option %s', async (option) => {
      const refused = await enqueue({ [option]: 1 });
      expect(refused).toMatchObject({ status: 400, body: { code: 'unknown_field' } });
      expect(pointers(refused)).toEqual([`#/options/${option}`]);
    });

    it('a payload that its class does not allow', async () => {
      const refused = await enqueue(undefined, { message: '', delay: 60_001 });
      expect(refused).toMatchObject({ status: 422, body: { code: 'job_payload_invalid' } });
      expect(pointers(refused).toSorted()).toEqual(['#/data/delay', '#/data/message']);
    });

    it.each([
      ['text', 'text'],
      ['a list', []],
      ['nothing', null],
    ])('a payload that is %s', async (_what, data) => {
      const refused = await enqueue(undefined, data);
      expect(refused.status).toBe(422);
      expect(pointers(refused)).toEqual(['#/data']);
    });

    it('a type that no queue declares, and names those that exist', async () => {
      const refused = await call('POST', '/api/queue/jobs', { type: 'nope', data: {} });
      expect(refused).toMatchObject({ status: 404, body: { code: 'job_type_unknown' } });
      expect(refused.body['detail']).toContain('test-job');
    });
  });

  it('says that removal after the end is the affair of the queue', async () => {
    const { body } = await enqueue({ removeOnComplete: 5, removeOnFail: true, delay: 3_600_000 });
    expect(body['warnings']).toEqual([
      expect.stringMatching(
        /^removeOnComplete has no effect: queue "default" keeps its completed jobs for 24 hours/,
      ),
      expect.stringMatching(/^removeOnFail has no effect: queue "default" keeps its failed jobs for 7 days/),
    ]);
    const { body: plain } = await enqueue({ removeOnComplete: false, delay: 3_600_000 });
    expect(plain).not.toHaveProperty('warnings');
  });

  describe('one job', () => {
    it('is not sent again to a caller that has it', async () => {
      const { body } = await enqueue({ delay: 3_600_000 });
      const first = await read(body['id']);
      const tag = first.headers.get('etag') ?? '';
      expect(tag).toMatch(/^W\/"[A-Za-z0-9_-]+"$/);
      expect(first.headers.get('retry-after')).toBe('1');
      const second = await read(body['id'], { 'if-none-match': `"other", ${tag}` });
      expect(second).toMatchObject({ status: 304, body: {} });
      expect(second.headers.get('etag')).toBe(tag);
      expect((await read(body['id'], { 'if-none-match': '"other"' })).status).toBe(200);
    });

    it.each([
      'wait',
      'active',
      'meta',
      '__proto__',
      'default_',
      'default_0000000000000000000000',
      'nope_0000000000000000000000',
      'default%3Ameta',
      '%00',
      '..%2f..%2fetc',
      'x'.repeat(200),
    ])('is not found by the id %j', async (id) => {
      for (const method of ['GET', 'DELETE']) {
        const missing = await call(method, `/api/queue/jobs/${id}`);
        expect(missing).toMatchObject({ status: 404, body: { code: 'job_not_found' } });
      }
    });

    it('is removed while it waits and after its end', async () => {
      const waiting = await enqueue({ delay: 3_600_000 });
      const finished = await enqueue(undefined, undefined, { prefer: 'wait=10' });
      expect(finished.body['done']).toBe(true);
      const ends = [
        [waiting, 'cancelled'],
        [finished, 'completed'],
      ] as const;
      for (const [{ body }, state] of ends) {
        expect((await call('DELETE', `/queue/jobs/${String(body['id'])}`)).status).toBe(204);
        const past = await read(body['id']);
        expect(past).toMatchObject({ status: 200, body: { state, done: true } });
        expect(past.headers.get('holdfast-source')).toBe('ledger');
        expect((await call('DELETE', `/queue/jobs/${String(body['id'])}`)).status).toBe(404);
      }
    });

    it('is told to stop while it runs, and ends as cancelled', async () => {
      const { body } = await enqueue(undefined, { message: 'busy', delay: 60_000 });
      const path = `/api/queue/jobs/${String(body['id'])}`;
      await eventually(async () => {
        expect((await read(body['id'])).body).toMatchObject({
          state: 'active',
          startedAt: expect.any(String),
          progress: { percent: expect.any(Number), stage: 'working' },
        });
      }, 10_000);
      const asked = await call('DELETE', `${path}?reason=not%20needed`);
      expect(asked).toMatchObject({ status: 202, body: { state: 'active', done: false } });
      expect(asked.headers.get('location')).toBe(path);
      await eventually(async () => {
        expect((await read(body['id'])).body).toMatchObject({
          state: 'cancelled',
          done: true,
          attempts: { made: 1, max: 3 },
          error: { name: 'JobCancelledError', message: 'The job was cancelled by local: not needed' },
        });
      }, 10_000);
      expect((await call('DELETE', path)).status).toBe(204);
      expect(await read(body['id'])).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    });

    it('is not removed for a reason that is too long', async () => {
      const { body } = await enqueue({ delay: 3_600_000 });
      const path = `/api/queue/jobs/${String(body['id'])}`;
      expect((await call('DELETE', `${path}?reason=${'x'.repeat(501)}`)).status).toBe(422);
      expect((await read(body['id'])).status).toBe(200);
    });

    it('stays when it has changed since the caller saw it', async () => {
      const { body } = await enqueue({ delay: 3_600_000 });
      const path = `/api/queue/jobs/${String(body['id'])}`;
      const refused = await call('DELETE', path, undefined, { 'if-match': 'W/"old"' });
      expect(refused).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
      const tag = (await read(body['id'])).headers.get('etag') ?? '';
      expect((await call('DELETE', path, undefined, { 'if-match': tag })).status).toBe(204);
    });
  });

  it('answers 503 at once on every route while Redis is away', async () => {
    const away = await startTestServer({ ROLE: 'api', REDIS_URL: 'redis://127.0.0.1:1' });
    const requests: [string, string, string?][] = [
      ['POST', '/api/queue/jobs', JSON.stringify({ type: 'test-job', data: { message: 'm' } })],
      ['GET', '/api/queue/jobs/default_0000000000000000000000'],
      ['DELETE', '/api/queue/jobs/default_0000000000000000000000'],
      ['GET', '/api/queue/test'],
      ['POST', '/api/queue/test', JSON.stringify({ action: 'add-job' })],
      ['POST', '/api/queue/test', JSON.stringify({ action: 'start-worker' })],
      ['POST', '/api/queue/test', JSON.stringify({ action: 'process-next' })],
    ];
    for (const [method, path, body] of requests) {
      const startedAt = performance.now();
      const response = await fetch(`${away.url}${path}`, {
        method,
        ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
      });
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await response.json()).toMatchObject({ code: 'storage_unavailable', retryable: true });
      expect(performance.now() - startedAt).toBeLessThan(1_000);
    }
    await away.close();
  });
});
