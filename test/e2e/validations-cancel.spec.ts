import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { ValidationRunStore } from '../../src/workloads/validation/validation-run.store';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { ValidationClient } from '../support/validation-client';

const big = `id,name\n${'1,abcdefgh\n'.repeat(2_000_000)}`;

describe('cancelling and deleting a validation', () => {
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

  const files = async () => {
    const names = await readdir(join(server.settings.home, 'storage'), { recursive: true }).catch(() => []);
    return names.filter((name) => /\.(csv|part)/.test(name));
  };
  const remove = (id: string, headers = {}) =>
    client.call(`/api/validations/${id}`, { method: 'DELETE', headers });

  it('stops a run in the middle of its work within moments and leaves nothing of it behind', async () => {
    const id = await client.upload(big);
    await eventually(async () => expect((await client.read(id)).progress).toBeGreaterThan(0), 15_000);
    const { status, body } = await remove(id);
    expect([status, body['status']]).toEqual([202, 'cancelled']);
    const { jobId } = await client.read(id);
    await eventually(async () => {
      const job = await server.app.get(JobReader).read(jobId);
      expect(job?.state).toBe('completed');
      expect(job?.result).toEqual({ status: 'cancelled' });
    }, 5_000);
    expect((await client.read(id)).status).toBe('cancelled');
    await eventually(async () => expect(await files()).toEqual([]));
    const { rows } = await database.query(
      'SELECT count(*)::int AS n FROM validation_rows WHERE run_id = $1',
      [id],
    );
    expect(rows[0]).toEqual({ n: 0 });
    const { status: conflict, body: problem } = await client.call(`/api/validations/${id}/errors`);
    expect([conflict, problem['code']]).toEqual([409, 'validation_without_result']);
  });

  it('takes a run that waits out of the queue', async () => {
    const api = await startTestServer({ ROLE: 'api' });
    const waiting = new ValidationClient(api.url);
    const id = await waiting.upload('id\n1\n');
    const { jobId } = await waiting.read(id);
    await eventually(async () => expect((await api.app.get(JobReader).read(jobId))?.state).toBe('waiting'));
    for (const part of ['errors', 'report']) {
      const { status, body } = await waiting.call(`/api/validations/${id}/${part}`);
      expect([part, status, body['code']]).toEqual([part, 409, 'validation_not_finished']);
    }
    expect((await waiting.call(`/api/validations/${id}`, { method: 'DELETE' })).status).toBe(202);
    expect(await api.app.get(JobReader).read(jobId)).toBeUndefined();
    await api.close();
  });

  it('deletes a finished run with its rows, findings, logs and files', async () => {
    const rules = { name: 'numbers', columns: [{ name: 'id', type: 'integer' }] };
    const id = await client.upload('id\nx\ny\n', rules);
    await client.until(id, ['completed']);
    expect((await remove(id)).status).toBe(204);
    expect((await client.call(`/api/validations/${id}`)).status).toBe(404);
    expect((await remove(id)).status).toBe(404);
    await eventually(async () => {
      const { rows } = await database.query(
        `SELECT (SELECT count(*) FROM validation_rows WHERE run_id = $1)
           + (SELECT count(*) FROM validation_findings WHERE run_id = $1)
           + (SELECT count(*) FROM validation_logs WHERE validation_run_id = $1)
           + (SELECT count(*) FROM validation_removals) AS left`,
        [id],
      );
      expect(rows[0]).toEqual({ left: '0' });
    }, 15_000);
    expect(await files()).toEqual([]);
  });

  it('deletes no result for who wanted to stop a run that finished in the same moment', async () => {
    const id = await client.upload('id\n1\n');
    await client.until(id, ['completed']);
    const store = server.app.get(ValidationRunStore);
    const run = (await store.find(id))!;
    for (const [headers, expected] of [
      [{}, [409, 'conflict']],
      [{ 'if-match': `W/"${run.version}"` }, [412, 'validation_changed']],
    ] as const) {
      const read = jest.spyOn(store, 'find').mockResolvedValueOnce({ ...run, status: 'processing' });
      const { status, body } = await remove(id, headers);
      read.mockRestore();
      expect([status, body['code']]).toEqual(expected);
    }
    expect((await client.read(id)).status).toBe('completed');
  });

  it('changes nothing for who has seen another state', async () => {
    const id = await client.upload('id\n1\n');
    await client.until(id, ['completed']);
    const tag = (await client.call(`/api/validations/${id}`)).headers.get('etag') ?? '';
    const stale = await remove(id, { 'if-match': 'W/"0"' });
    expect([stale.status, stale.body['code']]).toEqual([412, 'validation_changed']);
    expect((await remove(id, { 'if-match': tag })).status).toBe(204);
  });
});
