import { Redis } from 'ioredis';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

interface Item {
  readonly index: number;
  readonly status: string;
  readonly id?: string;
  readonly errors?: { pointer: string; code: string }[];
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { items: Item[]; errors: { pointer: string; code: string }[] };
}

describe('a batch of jobs', () => {
  let server: TestServer;
  // Of the test's own: the server's user may not ask for keys.
  let redis: Redis;

  beforeAll(async () => {
    server = await startTestServer({ WORKER_QUEUES: 'default' });
    redis = new Redis(process.env['TEST_REDIS_URL'] ?? '');
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });

  async function send(body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${server.url}/api/queue/jobs/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Answer['body'],
    };
  }

  const later = { delay: 3_600_000 };
  const job = (message: unknown, options: object | undefined = later) => ({
    type: 'test-job',
    data: { message },
    ...(options !== undefined && { options }),
  });
  const many = (count: number, options?: object) =>
    Array.from({ length: count }, (_, at) => job(`job ${at}`, options));
  const pointers = ({ body }: Answer) => body.errors.map(({ pointer }) => pointer);

  async function stored(): Promise<number> {
    return (await redis.keys(`${server.settings.REDIS_PREFIX}:default:default_*`)).length;
  }

  it('stores a thousand jobs and runs them', async () => {
    const jobs = many(1_000).map(({ type, data }) => ({ type, data }));
    const { status, body } = await send({ jobs });
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 1_000, deduplicated: 0, refused: 0 });
    expect(body.items.map(({ index }) => index)).toEqual(jobs.map((_, index) => index));
    expect(new Set(body.items.map(({ id }) => id)).size).toBe(1_000);
    const last = body.items.at(-1)?.id;
    await eventually(async () => {
      const answer = await fetch(`${server.url}/api/queue/jobs/${last}`);
      expect(await answer.json()).toMatchObject({ state: 'completed', result: { message: 'job 999' } });
    }, 20_000);
  }, 40_000);

  it('stores nothing when one job is wrong, and points to what is', async () => {
    const before = await stored();
    const jobs: unknown[] = many(20);
    jobs[3] = { type: 'nope', data: {} };
    jobs[7] = job('late', { delay: -1 });
    jobs[17] = job(7);
    jobs[18] = 'a text';
    const answer = await send({ jobs });
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
    expect(pointers(answer)).toEqual([
      '#/jobs/3/type',
      '#/jobs/7/options/delay',
      '#/jobs/17/data/message',
      '#/jobs/18',
    ]);
    expect(await stored()).toBe(before);
  });

  it('stores the sound ones of a batch that may be partial, and says what became of each', async () => {
    const jobs: unknown[] = many(5);
    jobs[1] = job(7);
    jobs[4] = { type: 'test-job', data: { message: 'x' }, options: { priority: 'soon' } };
    const { status, body } = await send({ jobs, partial: true });
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 3, refused: 2 });
    expect(body.items.map((item) => item.status)).toEqual([
      'accepted',
      'refused',
      'accepted',
      'accepted',
      'refused',
    ]);
    expect(body.items[1]?.errors?.[0]?.pointer).toBe('#/jobs/1/data/message');
    expect(body.items[4]?.errors?.[0]?.pointer).toBe('#/jobs/4/options/priority');
  });

  it('knows keys: of earlier jobs, and of the batch itself', async () => {
    const first = await send({
      jobs: [job('a', { ...later, jobId: 'k1' }), job('a', { ...later, jobId: 'k1' })],
    });
    expect(first.body.items.map(({ status }) => status)).toEqual(['accepted', 'deduplicated']);
    const again = await send({
      jobs: [job('a', { ...later, jobId: 'k1' }), job('b', { ...later, jobId: 'k1' })],
    });
    expect(again.body).toMatchObject({ accepted: 0, deduplicated: 1, refused: 1 });
    expect(again.body.items[1]).toMatchObject({
      id: first.body.items[0]?.id,
      errors: [{ pointer: '#/jobs/1/options/jobId', code: 'job_key_conflict' }],
    });
  });

  it('is the same jobs again under the same Idempotency-Key, even when the answer was lost', async () => {
    const key = { 'idempotency-key': 'a batch' };
    const first = await send({ jobs: many(300) }, key);
    const before = await stored();
    const replayed = await send({ jobs: many(300) }, key);
    expect(replayed.headers.get('idempotency-replayed')).toBe('true');
    expect(replayed.body).toEqual(first.body);
    await redis.del(await redis.keys(`${server.settings.REDIS_PREFIX}:holdfast:idempotency:*`));
    const again = await send({ jobs: many(300) }, key);
    expect(again).toMatchObject({ status: 202, body: first.body });
    expect(await stored()).toBe(before);
  });

  it.each([
    ['no jobs', { jobs: [] }, 422, '#/jobs'],
    ['too many jobs', { jobs: Array.from({ length: 1_001 }, () => 1) }, 422, '#/jobs'],
    ['jobs that are no list', { jobs: { 0: job('x') } }, 422, '#/jobs'],
    ['a list instead of an object', [job('x')], 422, '#'],
    ['a partial that is a text', { jobs: [job('x')], partial: 'yes' }, 422, '#/partial'],
    ['an unknown field', { jobs: [job('x')], more: 1 }, 400, '#/more'],
    ['an unknown field of a job', { jobs: [{ ...job('x'), more: 1 }] }, 400, '#/jobs/0/more'],
    ['an unknown option', { jobs: [job('x', { repeat: {} })] }, 400, '#/jobs/0/options/repeat'],
    [
      'an unknown field of a payload',
      { jobs: [{ type: 'test-job', data: { message: 'x', more: 1 } }] },
      400,
      '#/jobs/0/data/more',
    ],
  ])('refuses %s', async (_what, body, status, pointer) => {
    const answer = await send(body);
    expect(answer.status).toBe(status);
    expect(pointers(answer)).toEqual([pointer]);
  });
});
