import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { formsOf } from '../../src/platform/logging/redact';
import { compilePrograms, type CompiledPrograms } from '../support/compile-programs';
import { eventually } from '../support/eventually';
import type { ServerProcess } from '../support/process';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

const KEY = 'canary-of-the-bootstrap-key-4Fq';
const NOTE = 'no-secret-7Qx3';
const secret = { password: 'canary-Passw0rd-9Zk', odd: 'canary "ö\\ü" <&/?+\u2028> 8Yw' };
const edited = { password: 'canary-of-an-edit-5Tb', odd: secret.odd };
const sealingKey = (name: string) => `${name}:${randomBytes(32).toString('base64url')}`;

interface Body extends Record<string, unknown> {
  readonly id?: string;
}

/** Everything that Redis holds, as text. */
async function redisDump(client: Redis): Promise<string> {
  const parts: string[] = [];
  for (const key of await client.keys('*')) {
    parts.push(key, (await client.dumpBuffer(key))?.toString('latin1') ?? '');
    const type = await client.type(key);
    if (type === 'hash') parts.push(...Object.entries(await client.hgetall(key)).flat());
    if (type === 'string') parts.push((await client.get(key)) ?? '');
    if (type === 'list') parts.push(...(await client.lrange(key, 0, -1)));
    if (type === 'stream') parts.push(JSON.stringify(await client.xrange(key, '-', '+')));
    if (type === 'zset') parts.push(...(await client.zrange(key, '0', '-1')));
  }
  return parts.join('\n');
}

async function databaseDump(url: string): Promise<string> {
  const tables = await query<{ name: string }>(
    url,
    "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'",
  );
  const parts: string[] = [];
  for (const { name } of tables) {
    const rows = await query<{ row: string }>(url, `SELECT to_jsonb(t)::text AS row FROM ${name} t`);
    parts.push(...rows.map(({ row }) => row));
  }
  return parts.join('\n');
}

function filesUnder(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile() && !path.endsWith('secrets.key'))
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
}

describe('A15: what is secret', () => {
  const scene = new FaultScene();
  let programs: CompiledPrograms;
  let server: ServerProcess;
  let printed = '';

  beforeAll(async () => {
    programs = compilePrograms('test/faults/vault');
    await scene.open();
    server = await start(sealingKey('k1'));
  });
  afterAll(async () => {
    await scene.close();
    programs.remove();
  });

  async function start(keys: string): Promise<ServerProcess> {
    const settings = { HOLDFAST_BOOTSTRAP_KEY: KEY, LOG_LEVEL: 'debug', SECRETS_KEYS: keys };
    return (await scene.start(settings, programs.program('vault'))).server;
  }

  async function ask(method: string, path: string, body?: object, headers: object = {}): Promise<string> {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    return await answer.text();
  }
  const json = async (...args: Parameters<typeof ask>) => JSON.parse(await ask(...args)) as Body;

  async function enqueue(does: string, options: object = {}, payload: object = secret): Promise<string> {
    const order = { type: 'open-vault', data: { does, note: NOTE, ...payload }, options };
    return String((await json('POST', '/api/queue/jobs', order)).id);
  }
  const reaches = (id: string, state: string) =>
    eventually(
      async () => expect(await json('GET', `/api/queue/jobs/${id}`)).toMatchObject({ state }),
      20_000,
    );

  const digestOf = ({ password, odd }: typeof secret) =>
    createHash('sha256').update(`${password}\n${odd}`).digest('hex');

  it('is in no store, log, answer or page, whatever a handler says', async () => {
    const ids = {
      told: await enqueue('tell', { jobId: 'once' }),
      failed: await enqueue('fail'),
      text: await enqueue('throw-text'),
      unheard: await enqueue('reject-unheard'),
      delayed: await enqueue('tell', { delay: 3_600_000 }),
    };
    await reaches(ids.told, 'completed');
    await reaches(ids.unheard, 'completed');
    await reaches(ids.failed, 'failed');
    await reaches(ids.text, 'failed');
    // The same job under the same key, although each sealing of it looks different.
    expect(await enqueue('tell', { jobId: 'once' })).toBe(ids.told);
    const conflict = {
      type: 'open-vault',
      data: { does: 'tell', note: NOTE, ...edited },
      options: { jobId: 'once' },
    };
    expect(await json('POST', '/api/queue/jobs', conflict)).toMatchObject({ code: 'job_key_conflict' });
    expect(await json('GET', `/api/queue/jobs/${ids.told}`)).toMatchObject({
      result: { digest: digestOf(secret) },
    });

    const invalid = { type: 'open-vault', data: { does: 'nothing', note: NOTE, ...secret } };
    const answers = [
      await ask('POST', '/api/queue/jobs', invalid),
      await ask('POST', '/api/queue/jobs/batch', { jobs: [invalid] }),
      await ask('GET', `/api/queue/jobs?type=open-vault&password=${encodeURIComponent(secret.password)}`),
    ];
    // Whoever edits a payload sees the mask, and may send it back.
    const board = `/admin/queues/api/queues/vault/${ids.delayed}`;
    const shown = JSON.parse(await ask('GET', board)) as { job: { data: Record<string, unknown> } };
    expect(shown.job.data).toEqual({ does: 'tell', note: NOTE, password: '•••', odd: '•••' });
    const change = { data: { ...shown.job.data, password: edited.password } };
    expect(await json('PATCH', `/api/queue/jobs/${ids.delayed}`, change)).toMatchObject({ state: 'delayed' });
    await ask('POST', `/api/queue/jobs/${ids.delayed}/promote`, {});
    await reaches(ids.delayed, 'completed');
    expect(await json('GET', `/api/queue/jobs/${ids.delayed}`)).toMatchObject({
      result: { digest: digestOf(edited) },
    });

    const letters = `/api/queue/dead-letters?jobId=${ids.failed}`;
    let letter = '';
    await eventually(async () => {
      const { items } = (await json('GET', letters)) as { items?: { id: string }[] };
      letter = items?.[0]?.id ?? '';
      expect(letter).not.toBe('');
    }, 10_000);
    const detail = `/api/queue/dead-letters/${letter}`;
    expect(await json('GET', detail)).toMatchObject({ payload: { note: NOTE, password: '•••', odd: '•••' } });
    const repair = { reason: 'of a test', data: { does: 'tell', note: NOTE, password: '•••', odd: '•••' } };
    expect(await json('PATCH', detail, repair)).toMatchObject({ editedPayload: { password: '•••' } });
    answers.push(await ask('GET', detail));
    await ask('POST', `${detail}/redrive`, { reason: 'of a test' });
    await reaches(ids.failed, 'completed');
    expect(await json('GET', `/api/queue/jobs/${ids.failed}`)).toMatchObject({
      result: { digest: digestOf(secret) },
    });

    const made = (await json('POST', '/api/keys', { name: 'canary', role: 'viewer' })) as { key?: string };
    const keySecret = String(made.key).split('.')[1] ?? '';
    expect(keySecret).not.toBe('');
    await ask('GET', '/api/queue/stats', undefined, { authorization: `Bearer ${made.key}` });
    await ask('GET', '/api/queue/stats', undefined, { authorization: `Bearer wrong-${secret.password}` });
    const credentials = new FormData();
    credentials.append('key', KEY);
    const login = await fetch(`${server.url}/ui/login`, {
      method: 'POST',
      body: credentials,
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'same-origin' },
    });
    const session =
      /holdfast_session=([\w-]+\.[\w-]+)/.exec(login.headers.get('set-cookie') ?? '')?.[1] ?? '';
    expect(session).not.toBe('');

    for (const id of Object.values(ids)) {
      for (const part of ['', '/attempts', '/logs', '/explain', '/result']) {
        answers.push(await ask('GET', `/api/queue/jobs/${id}${part}`));
      }
      answers.push(await ask('GET', `/admin/queues/api/queues/vault/${id}`));
      answers.push(await ask('GET', `/admin/queues/api/queues/vault/${id}/logs`));
    }
    const pages = ['/api/queue/jobs?type=open-vault', '/api/queue/stats', '/api/queue/audit', '/metrics'];
    const lists = ['completed', 'failed', 'waiting', 'delayed', 'active'].flatMap((state) =>
      ['vault', 'vault_dlq'].map(
        (name) => `/admin/queues/api/queues?activeQueue=${name}&status=${state}&jobsPerPage=50`,
      ),
    );
    for (const path of [...pages, ...lists, '/api/queue/dead-letters', '/openapi.json', '/health']) {
      answers.push(await ask('GET', path));
    }
    await eventually(async () => {
      const [row] = await query<{ n: number }>(
        scene.databaseUrl,
        "SELECT count(*)::int AS n FROM ledger_jobs WHERE queue = 'vault' AND state = 'completed'",
      );
      expect(row?.n).toBe(4);
    }, 10_000);

    const redis = await scene.redis.query(redisDump);
    const database = await databaseDump(scene.databaseUrl);
    server.signal('SIGTERM');
    await server.exit(20_000);
    printed = server.output;
    const searched = {
      redis,
      'append-only file': filesUnder(scene.redis.directory),
      database,
      logs: printed,
      answers: answers.join('\n'),
      files: filesUnder(scene.home),
    };
    const canaries = [secret.password, secret.odd, edited.password, KEY, keySecret, session];
    const hits = Object.entries(searched).flatMap(([place, text]) =>
      canaries.flatMap((canary) =>
        formsOf(canary)
          .filter((form) => text.includes(form))
          .map((form) => `${place}: ${form} ${around(text, form)}`),
      ),
    );
    process.stdout.write(
      `A15 canaries=${canaries.length} places=${Object.keys(searched).length} hits=${hits.length}\n`,
    );
    expect(hits).toEqual([]);
    // What is no secret is found, so that a secret would have been.
    for (const place of ['redis', 'append-only file', 'database', 'logs', 'answers'] as const) {
      expect([place, searched[place].includes(NOTE)]).toEqual([place, true]);
    }
  }, 120_000);

  it('stays readable while keys are changed, and without its key is a dead letter that says so', async () => {
    const [first, second] = [sealingKey('k1'), sealingKey('k2')];
    server = await start(first);
    const waiting = await enqueue('tell', { delay: 3_600_000 });
    const lost = await enqueue('tell', { delay: 3_600_000 });
    const keyed = await enqueue('tell', { delay: 3_600_000, jobId: 'kept' });
    const restart = async (keys: string) => {
      server.signal('SIGTERM');
      await server.exit(20_000);
      server = await start(keys);
    };
    await restart(`${second},${first}`);
    expect(await enqueue('tell', { jobId: 'kept' })).toBe(keyed);
    await ask('POST', `/api/queue/jobs/${waiting}/promote`, {});
    await reaches(waiting, 'completed');
    await restart(second);
    await ask('POST', `/api/queue/jobs/${lost}/promote`, {});
    await reaches(lost, 'failed');
    const attempts = await ask('GET', `/api/queue/jobs/${lost}/attempts`);
    expect(attempts).toContain('secret_unreadable');
    expect(attempts).toContain('SECRETS_KEYS');
  }, 120_000);
});

function around(text: string, form: string): string {
  const at = text.indexOf(form);
  return JSON.stringify(text.slice(Math.max(0, at - 120), at));
}
