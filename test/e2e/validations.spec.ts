import { Redis } from 'ioredis';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { CsvValidationProducer } from '../../src/workloads/validation/csv-validation/csv-validation.producer';
import { jobId } from '../../src/platform/queue/job-id';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { ValidationClient, type RunBody } from '../support/validation-client';

const canary = 'canary-4711@example.test';
const rules = {
  name: 'people',
  columns: [
    { name: 'id', type: 'integer', required: true },
    { name: 'email', type: 'email' },
  ],
};
const csv = `id,email\n1,anna@example.test\n2,not-an-address\nx,${canary}\n`;

describe('a validation over HTTP', () => {
  let server: TestServer;
  let client: ValidationClient;
  let database: Client;

  beforeAll(async () => {
    server = await startTestServer();
    client = new ValidationClient(server.url);
    database = new Client({ connectionString: server.settings.DATABASE_URL });
    await database.connect();
  });

  afterAll(async () => {
    await database.end();
    await server.close();
  });

  const filesIn = async (purpose: string) =>
    (
      await readdir(join(server.settings.home, 'storage', purpose), { recursive: true }).catch(() => [])
    ).filter((name) => name.endsWith('.csv') || name.endsWith('.part'));

  it('accepts an upload with 202, its id, its job and where to look', async () => {
    const answer = await client.send(client.form(csv, rules));
    const id = answer.body.validationId;
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      validationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: 'queued',
      jobId: jobId('validation', `validation-${id}`),
      links: {
        self: `/api/validations/${id}`,
        errors: `/api/validations/${id}/errors`,
        report: `/api/validations/${id}/report`,
        logs: `/api/validations/${id}/logs`,
        events: `/api/validations/${id}/events`,
      },
    });
    expect(answer.headers.get('location')).toBe(`/api/validations/${id}`);
    expect(answer.headers.get('retry-after')).toBe('1');
    await client.until(id, ['completed']);
  });

  it('answers the document’s own spelling without /api as well', async () => {
    const answer = await client.call<RunBody>('/validations', { method: 'POST', body: client.form(csv) });
    expect(answer.status).toBe(202);
    await client.until(answer.body.validationId, ['completed']);
    expect((await client.call(`/validations/${answer.body.validationId}`)).status).toBe(200);
  });

  it('completes a run, deletes its upload and keeps rows, findings and report', async () => {
    const id = await client.upload(csv, rules);
    const run = await client.until(id, ['completed']);
    expect(run).toMatchObject({
      progress: 100,
      errorMessage: null,
      ruleSet: 'people',
      fileName: 'members.csv',
    });
    expect(run.rows).toMatchObject({ read: 3 });
    await eventually(async () => expect(await filesIn('validation-uploads')).toEqual([]));
    expect(await filesIn('validation-reports')).toContain(join('default', `${id}.1.csv`));
    const stored = await database.query('SELECT count(*)::int AS n FROM validation_rows WHERE run_id = $1', [
      id,
    ]);
    expect(stored.rows[0]).toEqual({ n: 3 });
  });

  it('keeps the table of document 002 as it is written there', async () => {
    const id = await client.upload(csv);
    await client.until(id, ['completed']);
    const { rows } = await database.query(
      `SELECT id, file_id, file_name, status, progress, job_id, error_message, created_at, updated_at
       FROM validation_runs WHERE id = $1`,
      [id],
    );
    expect(rows[0]).toMatchObject({ id, file_name: 'members.csv', status: 'completed', error_message: null });
    expect(Number(rows[0].progress)).toBe(100);
    await eventually(async () => {
      const logs = await database.query(
        `SELECT message FROM validation_logs WHERE validation_run_id = $1 AND source = 'worker' ORDER BY timestamp`,
        [id],
      );
      expect(logs.rows.map(({ message }) => message)).toEqual([
        `[WORKER] Started processing job validation-${id}`,
        `[WORKER] Job validation-${id} completed`,
      ]);
    });
  });

  it('gives the job’s status as getJobStatus of document 002 does', async () => {
    const id = await client.upload(csv);
    const { jobId: ownId } = await client.until(id, ['completed']);
    const producer = server.app.get(CsvValidationProducer, { strict: false });
    await eventually(async () =>
      expect(await producer.getJobStatus(`validation-${id}`)).toEqual({
        id: ownId,
        state: 'completed',
        progress: 100,
        data: { validationRunId: id, fileName: 'members.csv' },
      }),
    );
  });

  it('answers 304 while nothing has changed, and says how long to wait while it may', async () => {
    const id = await client.upload(csv);
    const first = await client.call(`/api/validations/${id}`);
    await client.until(id, ['completed']);
    const done = await client.call(`/api/validations/${id}`);
    const tag = done.headers.get('etag') ?? '';
    expect(done.headers.get('retry-after')).toBeNull();
    expect(first.headers.get('etag')).toMatch(/^W\/"\d+"$/);
    const again = await client.call(`/api/validations/${id}`, { headers: { 'if-none-match': tag } });
    expect([again.status, again.body]).toEqual([304, '']);
  });

  it('lists runs newest first, page by page and by status', async () => {
    const ids = [await client.upload(csv), await client.upload(csv), await client.upload(csv)];
    await Promise.all(ids.map((id) => client.until(id, ['completed'])));
    const seen: string[] = [];
    let path: string | undefined = '/api/validations?limit=2&status=completed';
    while (path !== undefined) {
      const page: { headers: Headers; body: { items: RunBody[] } } = await client.call(path);
      seen.push(...page.body.items.map(({ validationId }) => validationId));
      path = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(seen.slice(0, 3)).toEqual(ids.toReversed());
    expect(new Set(seen).size).toBe(seen.length);
    const none = await client.call<{ items: unknown[]; next_cursor: null }>('/api/validations?status=queued');
    expect(none.body).toEqual({ items: [], next_cursor: null });
  });

  it('refuses a bad cursor, limit, status or unknown parameter with 400, and takes a large limit as 200', async () => {
    const times = [-62_135_596_800_001, 1.5, 253_402_300_800_000, 8_640_000_000_000_000, 1e300];
    const cursors = times.map((time) => JSON.stringify([time, '00000000-0000-7000-8000-000000000000']));
    const encoded = cursors.map((text) => `cursor=${Buffer.from(text).toString('base64url')}`);
    for (const query of [...encoded, 'cursor=zzz', 'limit=0', 'limit=x', 'status=done', 'sort=up']) {
      expect([query, (await client.call(`/api/validations?${query}`)).status]).toEqual([query, 400]);
    }
    expect((await client.call('/api/validations?limit=100000')).status).toBe(200);
  });

  it('says 404 for every id of no run, whatever it looks like', async () => {
    const ids = [
      '0',
      'active',
      "'; drop",
      '%00',
      '00000000-0000-0000-0000-000000000000',
      'x'.repeat(200),
      '..%2f',
    ];
    for (const id of ids) {
      for (const path of ['', '/errors', '/report', '/logs', '/events']) {
        const { status, body } = await client.call(`/api/validations/${encodeURI(id)}${path}`);
        expect([id, path, status, body['code']]).toEqual([id, path, 404, 'validation_not_found']);
      }
    }
  });

  it('links a corrected file to the run it corrects', async () => {
    const first = await client.upload(csv);
    const form = client.form(csv);
    form.append('previousValidationId', first);
    const { body } = await client.send(form);
    expect((await client.read(body.validationId))['previousValidationId']).toBe(first);
  });

  it('lets no value of any cell into Redis, logs or messages', async () => {
    const id = await client.upload(`id,email\n${canary},"${canary}\n"\n`, rules);
    await client.until(id, ['completed']);
    // Its own connection: the server's user may not ask for keys.
    const redis = new Redis(process.env['TEST_REDIS_URL'] ?? '');
    const keys = await redis.keys(`${server.settings.REDIS_PREFIX}:*`);
    const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
    redis.disconnect();
    expect(dumps.length).toBeGreaterThan(0);
    expect(dumps.some((dump) => dump?.includes('canary'))).toBe(false);
    const { rows } = await database.query(
      `SELECT count(*)::int AS n FROM validation_logs, validation_runs r
       WHERE message LIKE '%canary%' OR r.error_message LIKE '%canary%'`,
    );
    expect(rows[0]).toEqual({ n: 0 });
  });
});
