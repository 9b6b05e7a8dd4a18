import { Redis } from 'ioredis';
import { canonicalJson, fingerprintOf } from '../../src/platform/queue/canonical-json';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

const csv = 'id,name\n1,Ada\n';
const parallel = 500;

describe('Idempotency-Key', () => {
  let server: TestServer;
  let redis: Redis;
  let next = 0;

  beforeAll(async () => {
    server = await startTestServer({ WORKER_QUEUES: 'default' });
    // Not the server's own connection, whose user may not ask for KEYS.
    redis = new Redis(process.env['TEST_REDIS_URL'] ?? '');
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });

  const newKey = () => `key ${next++}`;

  async function post(path: string, body: unknown, key?: string, headers: Record<string, string> = {}) {
    const isForm = body instanceof FormData;
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: {
        ...(!isForm && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...headers,
      },
      body: isForm ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
    return answer;
  }

  const job = (message: string, options: object = { delay: 3_600_000 }) => ({
    type: 'test-job',
    data: { message, delay: 0 },
    options,
  });
  const enqueue = (message: string, key?: string, path = '/api/queue/jobs') => post(path, job(message), key);
  const isReplayed = ({ headers }: Answer) => headers.get('idempotency-replayed') === 'true';

  async function jobsStored(): Promise<number> {
    return (await redis.keys(`${server.settings.REDIS_PREFIX}:default:default_*`)).length;
  }

  it('answers a repeat with the first answer, without a second job', async () => {
    const key = newKey();
    const first = await enqueue('one', key);
    const stored = await jobsStored();
    const again = await enqueue('one', key, '/queue/jobs');
    expect(first.status).toBe(202);
    expect(isReplayed(first)).toBe(false);
    expect(isReplayed(again)).toBe(true);
    expect({ status: again.status, body: again.body }).toEqual({ status: 202, body: first.body });
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(again.headers.get('retry-after')).toBe(first.headers.get('retry-after'));
    expect(await jobsStored()).toBe(stored);
  });

  it('does not care about the order of members, and refuses another body', async () => {
    const key = newKey();
    const first = await enqueue('one', key);
    const { type, data, options } = job('one');
    const reordered = { options, data: { delay: data.delay, message: data.message }, type };
    expect(await post('/api/queue/jobs', reordered, key)).toMatchObject({ status: 202, body: first.body });
    const other = await enqueue('two', key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } });
  });

  it('keeps nothing of a body that could be guessed, and still knows what a release before has kept', async () => {
    const key = newKey();
    const before = new Set(await recordsKept());
    await enqueue('one', key);
    const [record = ''] = (await recordsKept()).filter((one) => !before.has(one));
    const bare = fingerprintOf(canonicalJson(job('one')));
    const kept = await redis.hget(record, 'f');
    expect(kept).toMatch(/^k1\.[\w-]{22}$/);
    expect(kept).not.toContain(bare);

    await redis.hset(record, 'f', bare);
    expect(isReplayed(await enqueue('one', key))).toBe(true);
    expect(await enqueue('two', key)).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } });
  });

  const recordsKept = () => redis.keys(`${server.settings.REDIS_PREFIX}:holdfast:idempotency:*`);

  it('makes one job of 500 equal requests at once, and answers all of them alike', async () => {
    const key = newKey();
    const before = await jobsStored();
    const answers = await Promise.all(Array.from({ length: parallel }, () => enqueue('same', key)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers.filter(isReplayed)).toHaveLength(parallel - 1);
    expect((await jobsStored()) - before).toBe(1);
  }, 60_000);

  it('waits two seconds for a first request that is still worked, then says so', async () => {
    const key = newKey();
    const slow = { type: 'test-job', data: { message: 'slow', delay: 4_000 } };
    const first = post('/api/queue/jobs', slow, key, { prefer: 'wait=10' });
    await eventually(async () => expect(await busyRecords()).toBe(1));
    const startedAt = performance.now();
    const early = await post('/api/queue/jobs', slow, key, { prefer: 'wait=10' });
    expect(performance.now() - startedAt).toBeGreaterThan(1_900);
    expect(early).toMatchObject({ status: 409, body: { code: 'idempotency_in_flight', retryable: true } });
    expect(early.headers.get('retry-after')).toBe('1');
    expect((await first).status).toBe(200);
    const late = await post('/api/queue/jobs', slow, key);
    expect(late).toMatchObject({ status: 200, body: (await first).body });
  }, 20_000);

  async function busyRecords(): Promise<number> {
    const keys = await redis.keys(`${server.settings.REDIS_PREFIX}:holdfast:idempotency:*`);
    const owners = await Promise.all(keys.map((key) => redis.hexists(key, 'o')));
    return owners.filter((isOwned) => isOwned === 1).length;
  }

  it('keeps no error: the corrected request goes through under the same key', async () => {
    const key = newKey();
    const bad = await post('/api/queue/jobs', job('', {}), key);
    expect(bad.status).toBe(422);
    expect(await enqueue('good', key)).toMatchObject({ status: 202 });
  });

  it('makes the same job of a request that was done and never answered', async () => {
    const key = newKey();
    const first = await enqueue('crash', key);
    // What is left when a process dies between the add and its answer: no record, and the job.
    const records = await redis.keys(`${server.settings.REDIS_PREFIX}:holdfast:idempotency:*`);
    await redis.del(records);
    const before = await jobsStored();
    const again = await enqueue('crash', key);
    expect(again).toMatchObject({
      status: 202,
      body: { id: first.body['id'], deduplicated: false, key: null },
    });
    expect(await jobsStored()).toBe(before);
  });

  it('keeps answers for a day', async () => {
    await enqueue('day', newKey());
    const records = await redis.keys(`${server.settings.REDIS_PREFIX}:holdfast:idempotency:*`);
    const lives = await Promise.all(records.map((record) => redis.pttl(record)));
    expect(Math.max(...lives)).toBeGreaterThan(86_300_000);
    expect(Math.min(...lives)).toBeGreaterThan(0);
  });

  it.each([
    ['empty', ' ', 400],
    ['of 255 characters', 'k'.repeat(255), 202],
    ['of 256 characters', 'k'.repeat(256), 400],
    ['that is a word of BullMQ', 'wait', 202],
    ['with colons', 'a:b:c', 202],
    ['named __proto__', '__proto__', 202],
  ])('takes or refuses a key %s', async (_what, key, status) => {
    const answer = await enqueue('key', key);
    expect(answer.status).toBe(status);
    if (status === 400) expect(answer.body['code']).toBe('idempotency_key_invalid');
  });

  it('also holds for the test of the queue', async () => {
    const key = newKey();
    const add = () => post('/api/queue/test', { action: 'add-job', message: 'test' }, key);
    const [first, again] = [await add(), await add()];
    expect(again).toMatchObject({ status: 202, body: first.body });
    expect(isReplayed(again)).toBe(true);
  });

  describe('of an upload', () => {
    function form(
      content: string,
      rules = '{"name":"people","columns":[{"name":"id"},{"name":"name"}]}',
    ): FormData {
      const data = new FormData();
      data.append('ruleSet', rules);
      data.append('file', new Blob([content], { type: 'text/csv' }), 'people.csv');
      return data;
    }
    const upload = (content: string, key: string) => post('/api/validations', form(content), key);

    it('makes one run of equal files, whatever the boundary, and refuses another file', async () => {
      const key = newKey();
      const first = await upload(csv, key);
      expect(first.status).toBe(202);
      const again = await upload(csv, key);
      expect(isReplayed(again)).toBe(true);
      expect(again).toMatchObject({ status: 202, body: first.body });
      expect(await upload(`${csv}2,Bob\n`, key)).toMatchObject({
        status: 422,
        body: { code: 'idempotency_conflict' },
      });
    });

    it('finds its run again when the first answer was lost', async () => {
      const key = newKey();
      const first = await upload(csv, key);
      await redis.del(await redis.keys(`${server.settings.REDIS_PREFIX}:holdfast:idempotency:*`));
      const again = await upload(csv, key);
      expect(again).toMatchObject({ status: 202, body: { validationId: first.body['validationId'] } });
    });

    it('makes one run of ten equal uploads at once', async () => {
      const key = newKey();
      const answers = await Promise.all(Array.from({ length: 10 }, () => upload(csv, key)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
      expect(new Set(answers.map(({ body }) => body['validationId'])).size).toBe(1);
    });
  });
});
