import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const PATH = '/api/brokerage/imports';

describe('trades from files over REST', () => {
  let server: TestServer;
  let fileId: string;

  beforeAll(async () => {
    server = await startTestServer();
    const form = new FormData();
    const text =
      'Date,Symbol,Side,Quantity,Price\n2024-01-31,AAPL,buy,1,180\n2024-01-32,AAPL,buy,1,180\nx,y,buy,1,1\n';
    form.append('file', new Blob([text], { type: 'text/csv' }), 'trades.csv');
    const answer = await fetch(`${server.url}/api/files`, { method: 'POST', body: form });
    fileId = ((await answer.json()) as { id: string }).id;
  });
  afterAll(() => server.close());

  const call = async (path: string, method = 'GET', body?: object) => {
    const answer = await fetch(server.url + path, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return {
      status: answer.status,
      headers: answer.headers,
      body: (await answer.json()) as Record<string, unknown>,
    };
  };

  it('are imported, told about row by row, and imported again without a second trade', async () => {
    const accepted = await call(PATH, 'POST', { fileId, userId: 'user-1' });
    expect(accepted.status).toBe(202);
    const path = accepted.headers.get('location')!;
    await eventually(async () => expect((await call(path)).body['status']).toBe('completed'), 15_000);
    expect((await call(path)).body).toMatchObject({
      rows: { read: 3, inserted: 1, duplicates: 0, refused: 2 },
      columns: { occurredAt: 'Date', symbol: 'Symbol', side: 'Side', quantity: 'Quantity', price: 'Price' },
      findings: [{ rule: 'date', column: 'Date', severity: 'error', count: 2 }],
    });
    const page = await call(`${path}/findings?limit=1`);
    expect(page.body['items']).toMatchObject([{ row: 2, line: 3, column: 'Date', value: '2024-01-32' }]);
    const next = /^<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1] ?? '';
    expect((await call(next)).body).toMatchObject({ items: [{ row: 3 }], next_cursor: null });

    // By the job's type, as document 000 does it.
    const job = await call('/api/queue/jobs', 'POST', {
      type: 'process-csv',
      data: { fileId, userId: 'user-1' },
    });
    expect(job.status).toBe(202);
    const of = `/api/queue/jobs/${String(job.body['id'] ?? job.body['jobId'])}`;
    await eventually(async () => expect((await call(of)).body['state']).toBe('completed'), 15_000);
    expect((await call(of)).body['result']).toMatchObject({
      rows: { inserted: 0, duplicates: 1, refused: 2 },
    });
    expect((await call(`${PATH}?userId=user-1`)).body['items']).toHaveLength(2);
  });

  it('are refused with a pointer', async () => {
    const refused = await call(PATH, 'POST', {
      fileId,
      userId: 'u',
      columns: { symbl: 'x' },
      timeZone: 'Moon',
    });
    expect(refused.status).toBe(422);
    expect(refused.body['errors']).toMatchObject([{ pointer: '#/columns' }, { pointer: '#/timeZone' }]);
    expect((await call(PATH, 'POST', { fileId: 'file_x', userId: 'u' })).body).toMatchObject({
      code: 'file_not_found',
    });
    expect((await call(`${PATH}/x`)).body).toMatchObject({ code: 'import_not_found' });
  });
});
