import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

describe('editing a job', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ WORKER_QUEUES: 'default' });
  });
  afterAll(() => server.close());

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${server.url}/api/queue/jobs${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
    return answer;
  }

  const later = { delay: 3_600_000 };
  const enqueue = async (options: object = later, type = 'test-job', data: object = { message: 'first' }) =>
    String((await call('POST', '', { type, data, options })).body['id']);
  const edit = (id: string, body: unknown, headers?: Record<string, string>) =>
    call('PATCH', `/${id}`, body, headers);
  async function finished(id: string): Promise<Answer> {
    await eventually(async () => expect((await call('GET', `/${id}`)).body['done']).toBe(true), 10_000);
    return call('GET', `/${id}`);
  }

  it('changes payload and start together, and runs what was changed', async () => {
    const id = await enqueue();
    const edited = await edit(id, { data: { message: 'second' }, delay: 0 });
    expect(edited).toMatchObject({ status: 200, body: { id } });
    expect((await finished(id)).body).toMatchObject({ state: 'completed', result: { message: 'second' } });
  });

  it('changes the priority and the time of a delayed job', async () => {
    const id = await enqueue();
    const runAt = new Date(Date.now() + 7_200_000).toISOString();
    const edited = await edit(id, { priority: 'urgent', runAt });
    expect(edited.body).toMatchObject({ state: 'delayed', priority: 'urgent' });
    expect(Math.abs(Date.parse(String(edited.body['runAt'])) - Date.parse(runAt))).toBeLessThan(1_000);
  });

  it('gives its new entity tag, and refuses whoever has seen an older one', async () => {
    const id = await enqueue();
    const seen = { 'if-match': (await call('GET', `/${id}`)).headers.get('etag') ?? '' };
    const first = await edit(id, { data: { message: 'mine' } }, seen);
    expect(first.status).toBe(200);
    expect(first.headers.get('etag')).not.toBe(seen['if-match']);
    expect(first.headers.get('etag')).toBe((await call('GET', `/${id}`)).headers.get('etag'));
    expect(await edit(id, { data: { message: 'yours' } }, seen)).toMatchObject({
      status: 412,
      body: { code: 'precondition_failed' },
    });
  });

  it('keeps its hands off jobs that run or have finished', async () => {
    const id = await enqueue({}, 'test-job', { message: 'busy', delay: 2_000 });
    await eventually(async () => expect((await call('GET', `/${id}`)).body['state']).toBe('active'), 5_000);
    expect(await edit(id, { priority: 'low' })).toMatchObject({ status: 409, body: { code: 'job_active' } });
    await finished(id);
    expect(await edit(id, { priority: 'low' })).toMatchObject({
      status: 409,
      body: { code: 'job_finished' },
    });
  });

  it('still knows the first request after an edit', async () => {
    const id = await enqueue({ ...later, jobId: 'edited' });
    await edit(id, { data: { message: 'second' } });
    const again = await call('POST', '', {
      type: 'test-job',
      data: { message: 'first' },
      options: { ...later, jobId: 'edited' },
    });
    expect(again).toMatchObject({ status: 200, body: { id, deduplicated: true } });
  });

  it.each([
    ['a payload that breaks its class', { data: { message: 7 } }, 422, '#/data/message'],
    ['a delay that nobody can mean', { delay: 1e20 }, 422, '#/delay'],
    ['two starts', { delay: 1, runAt: '2030-01-01T00:00:00Z' }, 422, '#/runAt'],
    ['an option that is no edit', { attempts: 3 }, 400, '#/attempts'],
  ])('refuses %s', async (_what, body, status, pointer) => {
    const answer = await edit(await enqueue(), body);
    expect(answer.status).toBe(status);
    expect((answer.body['errors'] as { pointer: string }[])[0]?.pointer).toBe(pointer);
  });

  it.each(['wait', 'meta', 'default_meta', 'default:meta', '__proto__', '%00', 'x'.repeat(250), 'a%3Ab%3Ac'])(
    'finds nothing under the id %j',
    async (id) => {
      for (const [method, body] of [['GET'], ['PATCH', { priority: 'low' }], ['DELETE']] as const) {
        const { status, body: answer } = await call(method, `/${id}`, body);
        expect({ method, status, code: answer['code'] }).toEqual({
          method,
          status: 404,
          code: 'job_not_found',
        });
      }
    },
  );

  it.each([
    ['NUL', 'a\0b'],
    ['half a character', 'a\ud800'],
  ])('takes no key with %s', async (_what, jobId) => {
    const text = JSON.stringify({ type: 'test-job', data: { message: 'x' }, options: { jobId } });
    const response = await fetch(`${server.url}/api/queue/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
    });
    const body = (await response.json()) as { errors: { pointer: string }[] };
    expect(response.status).toBe(422);
    expect(body.errors[0]?.pointer).toBe('#/options/jobId');
  });
});
