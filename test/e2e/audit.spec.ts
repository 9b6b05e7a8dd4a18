import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { sql } from 'drizzle-orm';
import { auditOfConfig } from '../../src/platform/audit/audited.decorator';
import { Database } from '../../src/platform/database/database.service';
import type { HttpAdapter } from '../../src/platform/http/http-adapter';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-audit-spec';
const AUDIT = '/api/queue/audit';

interface Entry {
  readonly seq: number;
  readonly action: string;
  readonly [member: string]: unknown;
}

describe('what people did', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: ADMIN });
  });
  afterAll(() => server.close());

  async function ask(method: string, path: string, body?: object, key = ADMIN, on = server) {
    const answer = await fetch(`${on.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = (
      /json/.test(answer.headers.get('content-type') ?? '') ? JSON.parse(text || '{}') : {}
    ) as Record<string, unknown>;
    return { status: answer.status, headers: answer.headers, body: json };
  }
  const entries = async (query = '', key = ADMIN) =>
    (await ask('GET', `${AUDIT}${query}`, undefined, key)).body['items'] as Entry[];
  /** The newest entry of an action, once it is there. */
  async function noted(action: string): Promise<Entry> {
    let found: Entry | undefined;
    await eventually(async () => {
      [found] = await entries(`?action=${action}&limit=1`);
      expect(found).toBeDefined();
    }, 10_000);
    return found!;
  }
  const job = () => server.app.get(JobDispatcher).dispatch('test-job', { message: 'x' }, { delayMs: 60_000 });

  it('says who, what, when, why and what became of it, with what changed and nothing secret', async () => {
    const made = (await ask('POST', '/api/keys', { name: 'one', role: 'viewer' })).body as {
      kid: string;
      key: string;
    };
    await ask('PATCH', `/api/keys/${made.kid}`, { role: 'operator' });
    await ask('POST', `/api/keys/${made.kid}/revoke?reason=left the company`);
    expect(await noted('keys.create')).toMatchObject({
      actor: 'bootstrap',
      role: 'admin',
      origin: 'api',
      outcome: 'done',
      status: 201,
      detail: { kid: made.kid, role: 'viewer', tenant: 'default' },
    });
    expect((await noted('keys.change'))['detail']).toEqual({
      before: { role: 'viewer' },
      after: { role: 'operator' },
    });
    expect(await noted('keys.revoke')).toMatchObject({ target: made.kid, reason: 'left the company' });
    const all = JSON.stringify(await entries('?limit=200'));
    expect(all).not.toContain(made.key.split('.')[1]);
    const id = (await job()).id!;
    const removal = await ask('DELETE', `/api/queue/jobs/${id}?reason=never needed`);
    expect(await noted('jobs.remove')).toMatchObject({
      target: id,
      reason: 'never needed',
      status: 204,
      requestId: removal.headers.get('x-request-id'),
    });
  });

  it('names what was refused, and a reason where something is destroyed', async () => {
    const { key } = (await ask('POST', '/api/keys', { name: 'two', role: 'viewer' })).body as { key: string };
    const { id } = await job();
    expect((await ask('DELETE', `/api/queue/jobs/${id}`, undefined, key)).status).toBe(403);
    await eventually(async () => {
      expect((await entries('?outcome=refused&limit=1'))[0]).toMatchObject({
        action: 'jobs.remove',
        status: 403,
      });
    });
    const rules = await ask('DELETE', '/api/rule-sets/none');
    expect(rules).toMatchObject({
      status: 422,
      body: { code: 'reason_required', errors: [{ pointer: '?reason' }] },
    });
    for (const short of ['x', ' ', 'y'.repeat(501)]) {
      expect((await ask('DELETE', `/api/rule-sets/none?reason=${short}`)).status).toBe(422);
    }
    expect((await ask('DELETE', '/api/rule-sets/none?reason=of a test')).status).toBe(404);
    expect(await noted('rule-sets.delete')).toMatchObject({ outcome: 'refused', status: 404 });
    // The document that names this route names no reason.
    expect((await ask('DELETE', `/api/queue/jobs/${id}`)).status).toBe(204);
  });

  it('includes the dashboard, and who logs in', async () => {
    await ask('PUT', '/admin/queues/api/queues/default/pause', undefined);
    expect(await noted('dashboard.pause')).toMatchObject({
      origin: 'dashboard',
      target: 'default',
      actor: 'bootstrap',
      outcome: 'done',
    });
    await ask('PUT', '/admin/queues/api/queues/default/resume', undefined);
    const form = new FormData();
    form.append('key', ADMIN);
    await fetch(`${server.url}/ui/login`, { method: 'POST', body: form, redirect: 'manual' });
    expect(await noted('sessions.open')).toMatchObject({ actor: 'bootstrap', status: 303 });
  });

  it('is read page by page, filtered, and as lines; by other tenants only as far as it is theirs', async () => {
    const first = await ask('GET', `${AUDIT}?limit=2`);
    const items = first.body['items'] as Entry[];
    const next = (await ask('GET', `${AUDIT}?limit=2&cursor=${String(first.body['next_cursor'])}`)).body[
      'items'
    ] as Entry[];
    const seqs = [...items, ...next].map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 4 }, (_, at) => seqs[0]! - at));
    expect((await ask('GET', `${AUDIT}?from=yesterday`)).status).toBe(400);
    const lines = await fetch(`${server.url}${AUDIT}?action=keys.create`, {
      headers: { authorization: `Bearer ${ADMIN}`, accept: 'application/x-ndjson' },
    });
    const told = (await lines.text()).trimEnd().split('\n');
    expect(told.map((line) => (JSON.parse(line) as Entry).action)).toEqual(told.map(() => 'keys.create'));

    const wish = { name: 'theirs', role: 'admin', tenant: 'acme' };
    const { key } = (await ask('POST', '/api/keys', wish)).body as { key: string };
    expect(await entries('', key)).toEqual([]);
    await ask('POST', '/api/keys', { name: 'by them', role: 'viewer' }, key);
    await eventually(async () =>
      expect((await entries('', key)).map(({ action }) => action)).toEqual(['keys.create']),
    );
  });

  it('needs a reason also for what a document names, and none of it from the dashboard, where it is so set', async () => {
    const { REDIS_PREFIX, DATABASE_URL } = server.settings;
    const strict = await startTestServer({
      ROLE: 'api',
      HOLDFAST_BOOTSTRAP_KEY: ADMIN,
      AUDIT_REASON_REQUIRED: 'true',
      REDIS_PREFIX,
      DATABASE_URL: DATABASE_URL ?? '',
    });
    try {
      const { id } = await job();
      expect((await ask('DELETE', `/api/queue/jobs/${id}`, undefined, ADMIN, strict)).status).toBe(422);
      const board = await ask('PUT', '/admin/queues/api/queues/default/empty', undefined, ADMIN, strict);
      expect([board.status, JSON.stringify(board.body)]).toEqual([422, expect.stringContaining('reason')]);
      expect(
        (await ask('DELETE', `/api/queue/jobs/${id}?reason=because`, undefined, ADMIN, strict)).status,
      ).toBe(204);
    } finally {
      await strict.close();
    }
  });

  it('leaves out no route that changes something, unless the route says where its trace is', () => {
    const { routes } = server.app.getHttpAdapter() as unknown as HttpAdapter;
    const safe = new Set(['GET', 'HEAD', 'OPTIONS']);
    const silent = routes
      .filter(({ method }) => [method].flat().some((one) => !safe.has(one.toUpperCase())))
      .filter(({ config }) => auditOfConfig(config) === undefined)
      .map(({ method, url }) => `${[method].flat().join('|')} ${url}`);
    expect(silent).toEqual([]);
    // Those that add jobs, imports and requests, which say themselves who asked for them, and what only reads.
    const exempt = routes.filter(({ config }) => auditOfConfig(config)?.exempt !== undefined);
    expect(exempt.length).toBeLessThanOrEqual(18);
  });

  it('is verified by a command, which finds what was changed', async () => {
    const verify = () =>
      new Promise<{ code: number | null; said: string }>((done) => {
        const { REDIS_PREFIX, REDIS_URL, DATABASE_URL, HOLDFAST_HOME } = server.settings;
        const child = spawn(process.execPath, [resolve('dist/verify-audit.js')], {
          env: { NODE_ENV: 'test', REDIS_PREFIX, REDIS_URL, DATABASE_URL, HOLDFAST_HOME },
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        let said = '';
        child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)));
        child.once('close', (code) => done({ code, said }));
      });
    expect(await verify()).toEqual({
      code: 0,
      said: expect.stringMatching(/^The audit is whole: \d+ rows\.\n$/),
    });
    await server.app
      .get(Database)
      .query.execute(sql`UPDATE audit_entries SET actor = 'nobody' WHERE seq = 2`);
    expect(await verify()).toEqual({
      code: 1,
      said: expect.stringContaining('Row 2 is not as it was written'),
    });
  });
});
