import { sql } from 'drizzle-orm';
import { createHash } from 'node:crypto';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Database } from '../../src/platform/database/database.service';
import { LedgerSearch } from '../../src/platform/ledger/ledger-search.service';
import { ResultCleaner } from '../../src/platform/results/result-cleaner.service';
import { RESULTS, type ResultReference } from '../../src/platform/results/result-reference';
import { platformKey } from '../../src/platform/redis/key-space';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { FileStorage } from '../../src/platform/storage/file-storage.service';
import { DefaultService } from '../../src/workloads/tasks/default/default.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

interface JobBody {
  readonly id: string;
  readonly state: string;
  readonly done: boolean;
  readonly result: unknown;
  readonly error: { name: string; message: string };
}

describe('results of jobs over HTTP', () => {
  let server: TestServer;
  let work: DefaultService;
  const large = { rows: Array.from({ length: 20_000 }, (_, row) => ({ row, text: 'ö' })) };
  const largeJson = Buffer.from(JSON.stringify(large));

  beforeAll(async () => {
    server = await startTestServer();
    work = server.app.get(DefaultService, { strict: false });
  });
  afterAll(() => server.close());

  /** What the next jobs return. */
  function returning(result: unknown): void {
    jest.spyOn(work, 'runTestJob').mockResolvedValue(result as never);
  }
  async function enqueue(options: object = {}): Promise<string> {
    const response = await fetch(`${server.url}/api/queue/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'test-job', data: { message: 'x' }, options }),
    });
    return ((await response.json()) as JobBody).id;
  }
  async function finished(options: object = {}): Promise<JobBody> {
    const id = await enqueue(options);
    let body: JobBody | undefined;
    await eventually(async () => {
      body = (await (await fetch(`${server.url}/api/queue/jobs/${id}`)).json()) as JobBody;
      expect(body.done).toBe(true);
    }, 5_000);
    return body as JobBody;
  }
  const get = (id: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${server.url}/api/queue/jobs/${id}/result`, { method, headers });
  const files = async () =>
    readdir(join(server.settings.home, 'storage', RESULTS, 'default')).catch(() => []);

  it('are a reference and a file when they are large', async () => {
    returning(large);
    const { id, state, result } = await finished();
    const sha256 = createHash('sha256').update(largeJson).digest('hex');
    expect({ state, result }).toEqual({
      state: 'completed',
      result: {
        stored: true,
        bytes: largeJson.length,
        sha256,
        contentType: 'application/json',
        file: expect.stringMatching(new RegExp(`^${id}\\.1-\\d+\\.json$`)),
        link: `/api/queue/jobs/${id}/result`,
      },
    });
    const whole = await fetch(`${server.url}${(result as ResultReference).link}`);
    expect(whole.status).toBe(200);
    expect(whole.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(whole.headers.get('content-length')).toBe(String(largeJson.length));
    expect(whole.headers.get('etag')).toBe(`"${sha256}"`);
    expect(Buffer.from(await whole.arrayBuffer()).equals(largeJson)).toBe(true);
  });

  it('are read in parts, and their length alone', async () => {
    returning(large);
    const { id } = await finished();
    const part = await get(id, { range: 'bytes=10-19' });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 10-19/${largeJson.length}`);
    expect(await part.text()).toBe(largeJson.subarray(10, 20).toString());
    const changed = await get(id, { range: 'bytes=10-19', 'if-range': '"other"' });
    expect([changed.status, (await changed.arrayBuffer()).byteLength]).toEqual([200, largeJson.length]);
    const beyond = await get(id, { range: `bytes=${largeJson.length}-` });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([
      416,
      `bytes */${largeJson.length}`,
    ]);
    const head = await get(id, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(largeJson.length)]);
    expect((await fetch(`${server.url}/queue/jobs/${id}/result`)).status).toBe(200);
  });

  it.each([[{ small: true }], [null], ['text']])(
    'are given as they are when they are small: %j',
    async (result) => {
      returning(result);
      const { id } = await finished();
      const answer = await get(id);
      expect([answer.status, await answer.json()]).toEqual([200, result]);
    },
  );

  it('do not lead to files of other jobs', async () => {
    returning(large);
    const other = (await finished()).result as ResultReference;
    for (const file of [other.file, '../../../etc/passwd', 'x']) {
      const forged = { ...other, file };
      returning(forged);
      const { id } = await finished();
      expect(await (await get(id)).json()).toEqual(forged);
    }
  });

  it('are refused while there are none', async () => {
    const problem = async (id: string) => {
      const answer = await get(id);
      expect(answer.headers.get('content-type')).toMatch('application/problem+json');
      return { status: answer.status, code: ((await answer.json()) as { code: string }).code };
    };
    const waiting = await enqueue({ delay: 60_000 });
    expect(await problem(waiting)).toEqual({ status: 409, code: 'job_not_finished' });
    jest.spyOn(work, 'runTestJob').mockRejectedValue(new Error('no'));
    const { id: failed } = await finished({ attempts: 1 });
    expect(await problem(failed)).toEqual({ status: 409, code: 'job_without_result' });
    expect(await problem('default_AAAAAAAAAAAAAAAAAAAAAA')).toEqual({ status: 404, code: 'job_not_found' });
    expect(await problem('active')).toEqual({ status: 404, code: 'job_not_found' });
    returning(large);
    const { id, result } = await finished();
    const storage = server.app.get(FileStorage);
    await storage.remove({ purpose: RESULTS, tenant: 'default', name: (result as ResultReference).file });
    expect(await problem(id)).toEqual({ status: 410, code: 'result_gone' });
  });

  it('go when nobody knows their job any more, and not before', async () => {
    returning(large);
    const [kept, gone, remembered] = [await finished(), await finished(), await finished()];
    const ledger = server.app.get(LedgerSearch);
    const nameOf = ({ result }: JobBody) => (result as ResultReference).file;
    for (const { id } of [gone, remembered]) {
      await fetch(`${server.url}/api/queue/jobs/${id}`, { method: 'DELETE' });
      await eventually(async () => expect([...(await ledger.known([id]))]).toEqual([id]));
    }
    // What is still on its way into the history would bring back the row that is taken out of it here.
    const spool = platformKey(server.settings, 'ledger:removed');
    await eventually(async () => expect(await server.app.get(RedisConnections).producer.xlen(spool)).toBe(0));
    await server.app.get(Database).query.execute(sql`DELETE FROM ledger_jobs WHERE id = ${gone.id}`);
    const storage = server.app.get(FileStorage);
    const unfinished = { purpose: RESULTS, tenant: 'default', name: `${nameOf(kept)}.part` };
    await writeFile((await storage.localCopy(unfinished)).path, 'x');
    for (const name of await files()) {
      await utimes((await storage.localCopy({ ...unfinished, name })).path, 0, 0);
    }
    const cleaner = server.app.get(ResultCleaner);
    let isAway = true;
    cleaner.keep(() => {
      if (isAway) return Promise.reject(new Error('The history is away.'));
      return Promise.resolve(new Set());
    });
    await expect(cleaner.sweep()).rejects.toThrow('The history is away.');
    expect(await files()).toContain(nameOf(gone));
    isAway = false;
    expect(await cleaner.sweep()).toBeGreaterThanOrEqual(2);
    const left = await files();
    expect(left).toEqual(expect.arrayContaining([nameOf(kept), nameOf(remembered)]));
    expect(left).not.toContain(nameOf(gone));
    expect(left).not.toContain(unfinished.name);
    expect(await cleaner.sweep()).toBe(0);
  });
});
