import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { ValidationClient } from '../support/validation-client';

interface Finding {
  readonly row: number;
  readonly column: string | null;
  readonly rule: string;
  readonly severity: string;
}

const rules = {
  name: 'people',
  columns: [
    { name: 'id', type: 'integer', required: true },
    { name: 'email', type: 'email' },
  ],
};
const rows = Array.from({ length: 30 }, (_, at) =>
  at % 3 === 0 ? `x${at},bad` : `${at},p${at}@example.test`,
);
const csv = `id,email\n${rows.join('\n')}\n`;

describe('what a finished validation has found', () => {
  let server: TestServer;
  let client: ValidationClient;
  let id: string;

  beforeAll(async () => {
    server = await startTestServer();
    client = new ValidationClient(server.url);
    id = await client.upload(csv, rules, 'my members (1).csv');
    await client.until(id, ['completed']);
  });

  afterAll(() => server.close());

  const findings = async (query: string) => {
    const found: Finding[] = [];
    let path: string | undefined = `/api/validations/${id}/errors?${query}`;
    while (path !== undefined) {
      const page: { headers: Headers; body: { items: Finding[] } } = await client.call(path);
      found.push(...page.body.items);
      path = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    return found;
  };

  it('gives the findings in the order of the file, whatever the size of the pages', async () => {
    const all = await findings('limit=200');
    expect(all.length).toBe(20);
    expect(await findings('limit=3')).toEqual(all);
    expect(all.map(({ row }) => row)).toEqual(all.map(({ row }) => row).toSorted((a, b) => a - b));
    expect(all[0]).toEqual({
      row: 1,
      line: 2,
      column: 'id',
      rule: expect.any(String),
      severity: 'error',
      message: expect.any(String),
      value: 'x0',
    });
  });

  it('filters them by column, rule and severity', async () => {
    const all = await findings('limit=200');
    const emails = all.filter(({ column }) => column === 'email');
    expect(emails.length).toBe(10);
    expect(await findings('column=email&limit=4')).toEqual(emails);
    expect(await findings(`rule=${emails[0]?.rule}`)).toEqual(emails);
    expect(await findings('severity=warning')).toEqual([]);
    expect(await findings('column=none')).toEqual([]);
  });

  it('counts them by rule and column, exactly', async () => {
    const { body } = await client.call<{ items: (Finding & { count: number })[]; total: number }>(
      `/api/validations/${id}/errors?group=rule`,
    );
    expect(body.total).toBe(20);
    const counted = body.items.map(({ column, count, severity }) => `${column} ${severity} ${count}`);
    expect(new Set(counted)).toEqual(new Set(['email error 10', 'id error 10']));
    const run = await client.read(id);
    expect(run['summary']).toEqual({ findings: 20, errors: 20, warnings: 0, infos: 0, stored: 20 });
    expect(run).toMatchObject({
      rows: { read: 30, valid: 20, invalid: 10 },
      findings: 20,
      columns: ['id', 'email'],
    });
  });

  it('refuses filters and cursors that cannot be', async () => {
    const far = Buffer.from('[1e300]').toString('base64url');
    for (const query of [
      'severity=fatal',
      'group=column',
      'column=%00',
      'cursor=x',
      `cursor=${far}`,
      'nope=1',
    ]) {
      const { status } = await client.call(`/api/validations/${id}/errors?${query}`);
      expect([query, status]).toEqual([query, 400]);
    }
  });

  it('sends the report as a CSV to keep, with every row and its errors', async () => {
    const { status, headers, body } = await client.call<string>(`/api/validations/${id}/report`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="my_members_1_-report.csv"; filename*=UTF-8''my%20members%20%281%29-report.csv`,
    );
    const lines = body.trimEnd().split('\n');
    expect(lines[0]).toContain('_errors');
    expect(lines).toHaveLength(31);
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(body));
  });

  it('sends a part of the report, so that a broken download can go on', async () => {
    const path = `/api/validations/${id}/report`;
    const whole = (await client.call<string>(path)).body;
    const etag = (await client.call(path)).headers.get('etag') ?? '';
    const range = (value: string, more = {}) =>
      client.call<string>(path, { headers: { range: value, ...more } });
    const part = await range('bytes=10-19');
    expect([part.status, part.body]).toEqual([206, whole.slice(10, 20)]);
    expect(part.headers.get('content-range')).toBe(`bytes 10-19/${whole.length}`);
    expect((await range('bytes=-5')).body).toBe(whole.slice(-5));
    expect((await range('bytes=100-', { 'if-range': etag })).body).toBe(whole.slice(100));
    expect((await range('bytes=100-', { 'if-range': '"other"' })).body).toBe(whole);
    const beyond = await range(`bytes=${whole.length}-`);
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${whole.length}`]);
    const head = await client.call(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(whole.length)]);
  });

  it('sends the report as JSON to who asks for it, and 406 to who wants neither', async () => {
    const path = `/api/validations/${id}/report`;
    for (const [query, accept] of [
      ['', 'application/json'],
      ['', 'text/csv;q=0.5, application/json'],
      ['?format=json', 'text/csv'],
    ] as const) {
      const { headers, body } = await client.call<unknown[]>(`${path}${query}`, { headers: { accept } });
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(headers.get('content-disposition')).toContain('-report.json');
      expect(body).toHaveLength(30);
    }
    expect((await client.call(path, { headers: { accept: 'image/png' } })).status).toBe(406);
  });

  it('keeps a diary of the run, by source', async () => {
    await eventually(async () => {
      const { body } = await client.call<{ items: { source: string }[] }>(`/api/validations/${id}/logs`);
      expect(body.items.map(({ source }) => source)).toEqual(['api', 'worker', 'worker']);
    });
    const page = await client.call<{ items: unknown[]; next_cursor: string }>(
      `/api/validations/${id}/logs?source=worker&limit=1`,
    );
    expect(page.body.items).toHaveLength(1);
    expect(page.headers.get('link')).toContain('rel="next"');
    const last = await client.call<{ items: unknown[]; next_cursor: null }>(
      `/api/validations/${id}/logs?source=worker&limit=1&cursor=${page.body.next_cursor}`,
    );
    expect([last.body.items.length, last.body.next_cursor]).toEqual([1, null]);
  });

  it('answers 409 for a run that failed, with its reason', async () => {
    const failed = await client.upload(Buffer.from('a,b\n\0\0\0\0,1\n'));
    const run = await client.until(failed, ['failed']);
    expect(run.errorMessage).toMatch(/\.$/);
    for (const part of ['errors', 'errors?group=rule', 'report']) {
      const { status, body } = await client.call(`/api/validations/${failed}/${part}`);
      expect([part, status, body['code']]).toEqual([part, 409, 'validation_without_result']);
      expect(body['detail']).toContain(run.errorMessage);
    }
  });

  it('completes a file that has a header and nothing else', async () => {
    const run = await client.until(await client.upload('id,email\n', rules), ['completed']);
    expect(run.rows).toEqual({ read: 0, valid: 0, invalid: 0 });
  });

  it('answers 410 when the report was taken away', async () => {
    const reports = join(server.settings.home, 'storage', 'validation-reports', 'default');
    const name = (await readdir(reports)).find((one) => one.startsWith(id)) ?? '';
    await rm(join(reports, name));
    const { status, body } = await client.call(`/api/validations/${id}/report`);
    expect([status, body['code']]).toEqual([410, 'report_gone']);
  });
});
