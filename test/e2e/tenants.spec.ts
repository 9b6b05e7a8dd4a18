import { DeadLetterParker } from '../../src/platform/dead-letter/dead-letter-parker.service';
import { DeadLetterProjection } from '../../src/platform/dead-letter/dead-letter-projection.service';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-tenants-spec';
const JOBS = '/api/queue/jobs';
const LETTERS = '/api/queue/dead-letters';
const OPERATIONS = '/api/queue/operations';
const BOARD = '/admin/queues/api/queues';
const reason = 'of a test';

interface Key {
  readonly kid: string;
  readonly key: string;
}
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

describe('whose jobs these are, and who asked for them', () => {
  let server: TestServer;
  let acme: Key;
  let home: Key;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: ADMIN });
    acme = await keyOf({ role: 'operator', tenant: 'acme', grants: ['payloads:read'] });
    home = await keyOf({ role: 'operator' });
  });
  afterAll(() => server.close());

  async function ask(
    { key }: Pick<Key, 'key'>,
    method: string,
    path: string,
    body?: object | FormData,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const isForm = body instanceof FormData;
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...headers,
        authorization: `Bearer ${key}`,
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
  }

  async function keyOf(wish: object): Promise<Key> {
    const { status, body } = await ask({ key: ADMIN }, 'POST', '/api/keys', { name: 'of a test', ...wish });
    expect(status).toBe(201);
    return body as unknown as Key;
  }

  async function enqueue(key: Key, data: object = {}, options: object = {}): Promise<string> {
    const job = { type: 'test-job', data: { message: 'hello', ...data }, options };
    const { status, body } = await ask(key, 'POST', JOBS, job);
    expect(status).toBe(202);
    return String(body['id']);
  }

  async function runAll(): Promise<void> {
    while ((await server.app.get(WorkerRunner).processNext('default')) !== undefined);
  }
  const originOf = async (id: string) => (await server.app.get(JobReader).read(id))?.origin;
  const items = ({ body }: Answer) => body['items'] as { id: string; [member: string]: unknown }[];

  /** The dead letter of a job of this key that fails at its only attempt. */
  async function dead(key: Key, message: string): Promise<string> {
    const job = await enqueue(key, { message, shouldFail: true }, { attempts: 1 });
    await runAll();
    await server.app.get(DeadLetterParker).turn();
    return items(await ask(key, 'GET', `${LETTERS}?jobId=${job}`))[0]!.id;
  }

  async function ended(key: Key, wish: object): Promise<Record<string, unknown>> {
    const { status, headers } = await ask(key, 'POST', OPERATIONS, { reason, ...wish });
    expect(status).toBe(202);
    let body: Record<string, unknown> = {};
    await eventually(async () => {
      ({ body } = await ask(key, 'GET', headers.get('location') ?? ''));
      expect(body['status']).toBe('completed');
    }, 10_000);
    return body;
  }

  it('is written into every job that comes over HTTP', async () => {
    const job = { type: 'test-job', data: { message: 'hello' } };
    const single = await enqueue(acme);
    const batch = await ask(acme, 'POST', `${JOBS}/batch`, { jobs: [job] });
    for (const id of [single, items(batch)[0]!.id]) {
      expect(await originOf(id)).toMatchObject({ tenant: 'acme', caller: acme.kid });
    }
    const test = await ask(home, 'POST', '/api/queue/test', { action: 'add-job' });
    expect(await originOf(String(test.body['jobId']))).toMatchObject({ tenant: 'default', caller: home.kid });
    const added = await ask(home, 'POST', `${BOARD}/default/add`, { name: 'test-job', data: job.data });
    const { id } = added.body['job'] as { id: string };
    expect(await originOf(id)).toMatchObject({ tenant: 'default', caller: home.kid });
    const form = new FormData();
    form.set('file', new Blob(['a\n1\n'], { type: 'text/csv' }), 'a.csv');
    const run = await ask(acme, 'POST', '/api/validations', form);
    await eventually(async () =>
      expect(await originOf(String(run.body['jobId']))).toMatchObject({ tenant: 'acme', caller: acme.kid }),
    );
  });

  it('keeps the Idempotency-Keys of two callers apart', async () => {
    const job = { type: 'test-job', data: { message: 'hello' } };
    const send = (key: Key) => ask(key, 'POST', JOBS, job, { 'idempotency-key': 'one' });
    const other = await keyOf({ role: 'producer' });
    const ids = [await send(home), await send(home), await send(other), await send(acme)].map(({ body }) =>
      String(body['id']),
    );
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
  });

  it('lets a batch in only where the key may add to each of its queues', async () => {
    const limited = await keyOf({ role: 'producer', queues: ['default'] });
    const tests = { type: 'test-job', data: { message: 'hello' } };
    const file = { type: 'validate-file', data: {} };
    const send = (jobs: object[]) => ask(limited, 'POST', `${JOBS}/batch`, { jobs, partial: true });
    expect((await send([tests, tests])).status).toBe(202);
    for (const one of [file, { type: 'nothing', data: {} }, {}]) {
      expect((await send([tests, one])).status).toBe(403);
    }
  });

  it('looks neither in payloads nor in errors for whoever may not read them', async () => {
    await dead(home, 'secret-of-a-search');
    const sees = await keyOf({ role: 'viewer', grants: ['payloads:read@default'] });
    const byError = `${JOBS}?queue=default&q=${encodeURIComponent('test job failed')}`;
    const byPayload = `${JOBS}?queue=default&payload.message=secret-of-a-search`;
    await eventually(async () => {
      expect(items(await ask(sees, 'GET', byPayload))).toHaveLength(1);
      expect(items(await ask(sees, 'GET', byError)).length).toBeGreaterThan(0);
    }, 10_000);
    const blind = await ask(home, 'GET', byError);
    expect([items(blind), blind.body['warnings']]).toEqual([[], [expect.stringContaining('payloads:read')]]);
    expect((await ask(home, 'GET', byPayload)).status).toBe(403);
    const [found] = items(await ask(home, 'GET', `${JOBS}?state=failed&include=error`));
    expect(found?.['error']).toMatchObject({ name: 'Error', message: '•••' });
  });

  it('makes no entity tag from what it hides', async () => {
    const id = await enqueue(home, { message: 'one' }, { delay: 3_600_000 });
    const tags = async () =>
      Promise.all(
        [home, { key: ADMIN }].map(async (key) =>
          (await ask(key, 'GET', `${JOBS}/${id}`)).headers.get('etag'),
        ),
      );
    const before = await tags();
    const edit = await ask(
      home,
      'PATCH',
      `${JOBS}/${id}`,
      { data: { message: 'two' } },
      { 'if-match': String(before[0]) },
    );
    expect([edit.status, edit.headers.get('etag')]).toEqual([200, before[0]]);
    const after = await tags();
    expect([after[0] === before[0], after[1] === before[1]]).toEqual([true, false]);
  });

  it('hides a job from other tenants after it has left Redis, too', async () => {
    const id = await enqueue(acme);
    await runAll();
    const key = `${server.settings.REDIS_PREFIX}:default`;
    await eventually(
      async () => expect(items(await ask(acme, 'GET', `${JOBS}?q=${id}&state=completed`))).toHaveLength(1),
      10_000,
    );
    await server.app
      .get(RedisConnections)
      .producer.multi()
      .zrem(`${key}:completed`, id)
      .del(`${key}:${id}`)
      .exec();
    for (const path of [`${JOBS}/${id}`, `${JOBS}/${id}/attempts`, `${JOBS}/${id}/result`]) {
      expect([path, (await ask(acme, 'GET', path)).status]).toEqual([path, 200]);
      expect([path, (await ask({ key: ADMIN }, 'GET', path)).status]).toEqual([path, 404]);
    }
  });

  it('lets an operation touch nothing of another tenant', async () => {
    const waiting = await enqueue(home, {}, { delay: 3_600_000 });
    const letter = await dead(home, 'of home');
    for (const action of ['remove', 'cancel', 'promote']) {
      const { counts, troubles } = await ended(acme, { action, ids: [waiting] });
      expect(counts).toMatchObject({ total: 1, success: 0, skipped: 1 });
      expect(troubles).toEqual([{ target: waiting, status: 'skipped', detail: 'There is no such job.' }]);
    }
    for (const action of ['redrive', 'discard']) {
      expect((await ended(acme, { action, ids: [letter] }))['counts']).toMatchObject({ skipped: 1 });
      const { body } = await ask(acme, 'POST', OPERATIONS, { reason, action, filter: {}, dryRun: true });
      expect(body['counts']).toMatchObject({ total: 0 });
    }
    const { status } = await ask(acme, 'POST', `${JOBS}/${waiting}/promote`);
    expect(status).toBe(404);
    expect((await server.app.get(JobReader).read(waiting))?.state).toBe('delayed');
    expect((await ask(home, 'GET', `${LETTERS}/${letter}`)).body['status']).toBe('dead');
    const { counts, startedBy } = await ended(home, { action: 'remove', ids: [waiting] });
    expect({ counts, startedBy }).toMatchObject({ counts: { success: 1 }, startedBy: home.kid });
  });

  it('sends the dead letters of a tenant back, and nowhere that the key may not reach', async () => {
    const letter = await dead(acme, 'of acme');
    const limited = await keyOf({ role: 'operator', tenant: 'acme', queues: ['default'] });
    const elsewhere = { reason, target: 'validation', type: 'validate-file' };
    expect((await ask(limited, 'POST', `${LETTERS}/${letter}/redrive`, elsewhere)).status).toBe(403);
    expect((await ask(home, 'POST', `${LETTERS}/${letter}/redrive`, { reason })).status).toBe(404);
    const masked = await ask(limited, 'GET', `${LETTERS}/${letter}`);
    expect(masked.body).toMatchObject({ payload: '•••', error: { message: '•••', stack: '•••' } });
    const redriven = await ask(limited, 'POST', `${LETTERS}/${letter}/redrive`, { reason });
    expect(redriven.status).toBe(202);
    expect(await originOf(String(redriven.body['id']))).toMatchObject({ tenant: 'acme', generation: 1 });
  });

  it('is kept on the dashboard: no dead letters of others, and who clicked', async () => {
    const letters = [await dead(acme, 'of acme'), await dead(home, 'of home')];
    await server.app.get(DeadLetterProjection).turn();
    const statuses = letters.map(async (id) => (await ask(home, 'GET', `${BOARD}/default_dlq/${id}`)).status);
    expect(await Promise.all(statuses)).toEqual([404, 200]);
    const all = await ask(
      home,
      'GET',
      `${BOARD}?activeQueue=default_dlq&status=waiting&page=1&jobsPerPage=50`,
    );
    const shown = JSON.stringify(all.body);
    expect([shown.includes(letters[0]!), shown.includes(letters[1]!)]).toEqual([false, true]);
    const { jobId } = (await ask(home, 'GET', `${LETTERS}/${letters[1]}`)).body;
    expect((await ask(home, 'PUT', `${BOARD}/default/${String(jobId)}/retry`)).status).toBe(204);
    expect((await ask(home, 'GET', `${LETTERS}/${letters[1]}`)).body['decision']).toMatchObject({
      by: home.kid,
    });
  });
});
