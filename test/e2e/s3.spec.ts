import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Database } from '../../src/platform/database/database.service';
import { FileStorage } from '../../src/platform/storage/file-storage.service';
import { fillLedger } from '../integration/tasks/data-export-scene';
import { eventually } from '../support/eventually';
import { S3Server } from '../support/s3-server';
import { startTestServer, type TestServer } from '../support/server';

// Whatever its age: a file that came in parts counts as a day younger.
const NOW = -100_000_000;
const ADMIN = 'a-key-of-the-bucket-spec';

interface Body {
  readonly id: string;
  readonly validationId: string;
  readonly code: string;
  readonly state: string;
  readonly status: string;
  readonly attempts: { readonly made: number };
  readonly result: { readonly links: { readonly download: string; readonly share: string } };
  readonly error: Record<string, { message: string }>;
  readonly details: Record<string, { kind: string }>;
  readonly url: string;
}

describe('a server whose files lie in a bucket', () => {
  let s3: S3Server;
  let server: TestServer;

  beforeAll(async () => {
    s3 = await S3Server.start();
    server = await startTestServer({ ROLE: 'all', HOLDFAST_BOOTSTRAP_KEY: ADMIN, ...s3.settings });
  });
  afterAll(async () => {
    await server.close();
    await s3.close();
  });
  afterEach(() => {
    s3.forgive();
    expect([s3.refusals, [...s3.openUploads]]).toEqual([[], []]);
  });

  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${ADMIN}`, ...(init.headers as Record<string, string>) },
    });
  const bodyOf = async (answer: Response) => (await answer.json()) as Body;
  const form = (content: string, name: string) => {
    const body = new FormData();
    body.append('file', new Blob([content]), name);
    return { method: 'POST', body };
  };
  const order = (type: string, data: object) =>
    ask('/api/queue/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type, data }),
    }).then(bodyOf);
  const ended = async (path: string, member: 'state' | 'status') => {
    await eventually(async () => {
      expect(['completed', 'failed']).toContain((await bodyOf(await ask(path)))[member]);
    }, 60_000);
    return bodyOf(await ask(path));
  };
  const keysOf = async (purpose: string) => {
    const found: string[] = [];
    await server.app.get(FileStorage).sweep(purpose, NOW, (files) => {
      found.push(...files.map(({ name }) => name));
      return Promise.resolve([]);
    });
    return found;
  };
  const onDisk = async () => {
    const folders = await readdir(join(server.settings.home, 'scratch')).catch(() => []);
    const copies = await Promise.all(
      folders.map((name) => readdir(join(server.settings.home, 'scratch', name))),
    );
    return [...copies.flat(), ...(await readdir(join(server.settings.home, 'storage')).catch(() => []))];
  };

  it('takes files, hands them out in parts and by link, and removes them', async () => {
    const { id } = await bodyOf(await ask('/api/files', form('0123456789', 'a.txt')));
    expect(await keysOf('files')).toHaveLength(1);
    const part = await ask(`/api/files/${id}/content`, { headers: { range: 'bytes=2-4' } });
    expect([part.status, await part.text()]).toEqual([206, '234']);
    const head = await ask(`/api/files/${id}/content`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
    const { url } = await bodyOf(await ask(`/api/files/${id}/links`, { method: 'POST' }));
    expect(await (await fetch(server.url + url)).text()).toBe('0123456789');
    expect((await ask(`/api/files/${id}?reason=of a test`, { method: 'DELETE' })).status).toBe(204);
    expect(await keysOf('files')).toEqual([]);
  });

  it('validates a file, and its report comes from the bucket', async () => {
    const csv = `id,name\n${'1,Ada\n'.repeat(1_000)}2\n`;
    const { validationId: id } = await bodyOf(await ask('/api/validations', form(csv, 'members.csv')));
    expect(await ended(`/api/validations/${id}`, 'status')).toMatchObject({ status: 'completed' });
    expect(await keysOf('validation-reports')).toHaveLength(1);
    await eventually(async () => expect(await keysOf('validation-uploads')).toEqual([]));
    for (const accept of ['text/csv', 'application/json']) {
      const report = await ask(`/api/validations/${id}/report`, { headers: { accept } });
      expect([report.status, (await report.text()).includes('Ada')]).toEqual([200, true]);
    }
    expect(await onDisk()).toEqual([]);
  }, 90_000);

  it('loses no run when a report cannot be stored: the next attempt stores it', async () => {
    s3.fail((line) => line.startsWith('PUT') && line.includes('validation-reports'), 'fail', 3);
    const { validationId: id } = await bodyOf(await ask('/api/validations', form('id\n1\n', 'one.csv')));
    expect(await ended(`/api/validations/${id}`, 'status')).toMatchObject({ status: 'completed' });
    expect((await ask(`/api/validations/${id}/report`)).status).toBe(200);
    expect(await onDisk()).toEqual([]);
  }, 90_000);

  it('exports into the bucket, at the second attempt when the store fails at the first', async () => {
    await fillLedger(server.app.get(Database), 'default', 2_000);
    s3.fail((line) => line.startsWith('PUT') && line.includes('/files/'), 'drop', 3);
    const { id } = await order('DATA_EXPORT', { exportType: 'csv', filters: { queue: 'default' } });
    const job = await ended(`/api/queue/jobs/${id}`, 'state');
    expect([job.state, job.attempts.made]).toEqual(['completed', 2]);
    const file = await ask(job.result.links.download);
    expect((await file.text()).split('\n').length).toBeGreaterThan(2_000);
    expect(await keysOf('files')).toHaveLength(1);
  }, 90_000);

  it('works on a copy of a file that lies in the bucket', async () => {
    const { id: filePath } = await bodyOf(await ask('/api/files', form('a text', 'a.txt')));
    const { id } = await order('FILE_PROCESS', { filePath, operation: 'compress', options: {} });
    const job = await ended(`/api/queue/jobs/${id}`, 'state');
    expect(job.state).toBe('completed');
    expect(await onDisk()).toEqual([]);
  }, 90_000);

  it('says so while the bucket is away, and goes on once it is back', async () => {
    const { id } = await bodyOf(await ask('/api/files', form('kept', 'a.txt')));
    await s3.goAway();
    for (const answer of [
      await ask(`/api/files/${id}/content`),
      await ask('/api/files', form('x', 'b.txt')),
    ]) {
      expect([answer.status, (await bodyOf(answer)).code]).toEqual([503, 'storage_unavailable']);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    }
    const health = await fetch(`${server.url}/health`);
    expect([health.status, (await bodyOf(health)).error['storage']?.message]).toEqual([
      503,
      'The file storage s3://holdfast-test cannot be used (ECONNREFUSED).',
    ]);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    await s3.comeBack();
    expect((await bodyOf(await fetch(`${server.url}/health`))).details['storage']?.kind).toBe('s3');
    expect(await (await ask(`/api/files/${id}/content`)).text()).toBe('kept');
  }, 60_000);
});
