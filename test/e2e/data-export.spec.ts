import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Database } from '../../src/platform/database/database.service';
import { newFileId } from '../../src/platform/files/file-id';
import { fillLedger } from '../integration/tasks/data-export-scene';
import { eventually } from '../support/eventually';
import { ServerProcess } from '../support/process';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-exports-spec';
const ROWS = 150_000;

interface JobBody {
  readonly id: string;
  readonly state: string;
  readonly attempts: { readonly made: number };
  readonly result: {
    readonly fileId: string;
    readonly rows: number;
    readonly links: { readonly download: string };
  };
}

describe('a DATA_EXPORT that is ordered over HTTP', () => {
  const workers: ServerProcess[] = [];
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: ADMIN });
    await fillLedger(server.app.get(Database), 'default', ROWS);
  }, 120_000);
  afterAll(async () => {
    for (const worker of workers) worker.signal('SIGKILL');
    await server.close();
  });

  const ask = (path: string, body?: object) =>
    fetch(`${server.url}${path}`, {
      headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
  const order = (data: object) => ask('/api/queue/jobs', { type: 'DATA_EXPORT', data });
  const jobOf = async (id: string) => (await (await ask(`/api/queue/jobs/${id}`)).json()) as JobBody;
  const startWorker = async () => {
    const { home, REDIS_URL = '', REDIS_PREFIX, DATABASE_URL = '' } = server.settings;
    const worker = await ServerProcess.start({
      ROLE: 'worker',
      WORKER_QUEUES: 'data-export',
      HOLDFAST_HOME: home,
      LOG_LEVEL: 'silent',
      REDIS_URL,
      REDIS_PREFIX,
      DATABASE_URL,
    });
    workers.push(worker);
    return worker;
  };
  const files = () => readdir(join(server.settings.home, 'storage', 'files', 'default')).catch(() => []);

  it.each([
    [{ source: 'nothing' }, '#/data/source', 'use jobs, dead-letters, validation-findings'],
    [
      { source: 'validation-findings', columns: ['rule', 'name'] },
      '#/data/columns/1',
      'use validationId, fileName',
    ],
    [
      { source: 'dead-letters', filters: { tenant: 'other' } },
      '#/data/filters/tenant',
      'use queue, type, cause',
    ],
    [{ exportType: 'pdf' }, '#/data/exportType', 'csv, json, xlsx'],
  ])('is refused with 422 for %j, with the names that exist', async (data, pointer, detail) => {
    const answer = await order({ exportType: 'csv', filters: {}, ...data });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      errors: [{ pointer, detail: expect.stringContaining(detail) }],
    });
  });

  it('is done once, whole, after its worker was killed while it wrote', async () => {
    const answer = await order({ exportType: 'xlsx', filters: { queue: 'default' } });
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as JobBody;
    const victim = await startWorker();
    await eventually(async () => expect((await files()).join()).toMatch(/\.part$/), 30_000);
    victim.signal('SIGKILL');
    await victim.ended;
    expect(await jobOf(id)).toMatchObject({ state: 'active' });
    await startWorker();
    // 30 s until another worker takes over, and the time to write it.
    await eventually(async () => expect((await jobOf(id)).state).toBe('completed'), 90_000);
    const { result, attempts } = await jobOf(id);
    expect(attempts.made).toBe(1);
    expect(result).toMatchObject({ rows: ROWS, fileId: newFileId(`data-export\0${id}`) });
    expect((await files()).filter((name) => !name.endsWith('.part'))).toHaveLength(1);
    const file = await ask(result.links.download);
    expect(file.status).toBe(200);
    expect((await file.arrayBuffer()).byteLength).toBe(Number(file.headers.get('content-length')));
  }, 180_000);

  it.each(['dead-letters', 'validation-findings', 'feed-items'])(
    'reads every column of %s',
    async (source) => {
      const { id } = (await (await order({ exportType: 'csv', source, filters: {} })).json()) as JobBody;
      await eventually(async () => expect((await jobOf(id)).state).toBe('completed'), 30_000);
      expect((await jobOf(id)).result).toMatchObject({ rows: 0 });
    },
  );
});
