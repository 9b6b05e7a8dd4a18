import { eventually } from '../support/eventually';
import { alpacaKeys, fill, startAlpacaServer, type AlpacaServer } from '../support/alpaca-server';
import { startTestServer, type TestServer } from '../support/server';

const PATH = '/api/brokerage/connections';

describe('accounts at brokers over REST', () => {
  let broker: AlpacaServer;
  let server: TestServer;

  beforeAll(async () => {
    broker = await startAlpacaServer();
    server = await startTestServer({
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: `443,${broker.port}`,
    });
  });
  afterAll(async () => {
    await server.close();
    await broker.close();
  });

  const call = async (path: string, method = 'GET', body?: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(server.url + path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const parsed = text === '' ? {} : (JSON.parse(text) as Record<string, never>);
    return { status: answer.status, headers: answer.headers, body: parsed as Record<string, unknown>, text };
  };
  const wish = (more: object = {}) => ({
    userId: 'user-1',
    name: 'My account',
    adapter: 'alpaca',
    settings: { baseUrl: broker.url },
    credentials: alpacaKeys,
    ...more,
  });
  const connect = async (more: object = {}) => String((await call(PATH, 'POST', wish(more))).body['id']);

  it('are no more than a tenant may have, however many ask at once', async () => {
    const few = await startTestServer({ BROKER_CONNECTIONS_PER_TENANT: '3' });
    try {
      const atOnce = Array.from({ length: 24 });
      // Connections to PostgreSQL are open by then, or the first request would be alone.
      await Promise.all(atOnce.map(() => fetch(few.url + PATH)));
      const answers = await Promise.all(
        atOnce.map(() =>
          fetch(few.url + PATH, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(wish({ settings: {} })),
          }),
        ),
      );
      const refused = answers.filter(({ status }) => status !== 201);
      expect([answers.length - refused.length, refused.length]).toEqual([3, 21]);
      for (const answer of refused) {
        expect(await answer.json()).toMatchObject({
          status: 409,
          code: 'too_many_connections',
          detail: 'A tenant may have 3 connections (BROKER_CONNECTIONS_PER_TENANT).',
        });
      }
    } finally {
      await few.close();
    }
  });

  it('are connected, read, changed with If-Match, paused, resumed and forgotten, and never show a key', async () => {
    const created = await call(PATH, 'POST', wish({ schedule: { kind: 'interval', everyMinutes: 30 } }));
    expect(created.status).toBe(201);
    const path = created.headers.get('location')!;
    expect(created.headers.get('etag')).toBe('"1"');
    expect(created.body).toMatchObject({
      userId: 'user-1',
      settings: { baseUrl: broker.url },
      schedule: { kind: 'interval', everyMinutes: 30, jitterSeconds: 60 },
      paused: false,
      nextRunAt: expect.any(String),
    });
    const changed = await call(path, 'PATCH', { name: 'Other' }, { 'if-match': '"1"' });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect((await call(path, 'PATCH', { name: 'Third' }, { 'if-match': '"1"' })).status).toBe(412);
    expect((await call(`${path}/pause`, 'POST')).body).toMatchObject({ paused: true, nextRunAt: null });
    expect((await call(`${path}/resume`, 'POST')).body).toMatchObject({
      paused: false,
      nextRunAt: expect.any(String),
    });
    const cron = { kind: 'cron', expression: '30 6 * * 1-5', timeZone: 'America/New_York', jitterSeconds: 0 };
    expect((await call(path, 'PATCH', { schedule: cron })).body).toMatchObject({
      schedule: cron,
      name: 'Other',
    });
    const list = await call(`${PATH}?userId=user-1`);
    expect(list.body['items']).toHaveLength(1);
    for (const answer of [created, changed, list]) {
      expect(answer.text).not.toContain(alpacaKeys.secretKey);
      expect(answer.text).not.toContain('credentials');
    }
    expect((await call(path, 'DELETE')).body).toMatchObject({ code: 'reason_required' });
    expect((await call(`${path}?reason=of the test`, 'DELETE')).status).toBe(204);
    expect((await call(path)).body).toMatchObject({ code: 'connection_not_found' });
  });

  it.each([
    [{ adapter: 'nobody' }, '#/adapter'],
    [{ settings: { baseUrl: 'http://broker.example' } }, '#/settings/baseUrl'],
    [{ settings: { baseUrl: 'https://user:pass@broker.example' } }, '#/settings/baseUrl'],
    [{ settings: { environment: 'moon' } }, '#/settings/environment'],
    [{ settings: { strange: 'x' } }, '#/settings/strange'],
    [{ credentials: { keyId: 'x' } }, '#/credentials/secretKey'],
    [{ credentials: { ...alpacaKeys, keyId: 'a\nb' } }, '#/credentials/keyId'],
    [{ schedule: { kind: 'interval' } }, '#/schedule/everyMinutes'],
    [{ schedule: { kind: 'cron', expression: '* * * * * *' } }, '#/schedule/expression'],
    [{ schedule: { kind: 'cron', expression: '99 * * * *' } }, '#/schedule/expression'],
    [{ schedule: { kind: 'cron', expression: '1 * * * *', timeZone: 'Moon/Sea' } }, '#/schedule/timeZone'],
    [{ userId: 'a\u0000b' }, '#/userId'],
  ])('are refused as %j with a pointer', async (more, pointer) => {
    const answer = await call(PATH, 'POST', wish(more));
    expect(answer.status).toBe(422);
    expect(answer.body['errors']).toEqual(expect.arrayContaining([expect.objectContaining({ pointer })]));
    expect(answer.text).not.toContain(alpacaKeys.secretKey);
  });

  it('keep their keys from another address than the one they were given for', async () => {
    const path = `${PATH}/${await connect()}`;
    const moved = { settings: { baseUrl: 'https://thief.example' } };
    const refused = await call(path, 'PATCH', moved);
    expect(refused.status).toBe(422);
    expect(refused.body['errors']).toMatchObject([{ pointer: '#/credentials' }]);
    expect((await call(path, 'PATCH', { ...moved, credentials: alpacaKeys })).status).toBe(200);
  });

  it('are synchronised on demand, once, and tell what came of it', async () => {
    broker.activities = [
      fill(1, { qty: '2.5' }),
      fill(2, { qty: '1' }),
      fill(3, { side: 'sell', qty: '1.25' }),
    ];
    broker.positions = [{ symbol: 'AAPL', qty: '2.25', side: 'long' }];
    const path = `${PATH}/${await connect()}`;
    expect((await call(`${path}/reconciliation`)).body).toMatchObject({ code: 'not_reconciled' });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    broker.before = () => held;
    const first = await call(`${path}/sync`, 'POST');
    expect([first.status, first.body['deduplicated']]).toEqual([202, false]);
    const again = await call(`${path}/sync`, 'POST');
    expect([again.status, again.body['deduplicated']]).toEqual([200, true]);
    expect(again.body['id']).toBe(first.body['id']);
    release();
    const run = first.headers.get('location')!;
    await eventually(async () => expect((await call(run)).body['status']).toBe('completed'), 15_000);
    expect((await call(run)).body).toMatchObject({ received: 3, inserted: 3, positions: 'matches' });
    const job = await call(`/api/queue/jobs/${String(first.body['jobId'])}`);
    expect(job.body).toMatchObject({
      type: 'sync-connection',
      result: { outcome: 'synchronised', inserted: 3 },
    });
    const page = await call(`${path}/activities?limit=2`);
    expect(page.body['items']).toMatchObject([
      { symbol: 'AAPL', side: 'sell', quantity: '-1.25', price: '10.25' },
      { side: 'buy', quantity: '1' },
    ]);
    const next = /^<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1] ?? '';
    expect((await call(next)).body).toMatchObject({ items: [{ quantity: '2.5' }], next_cursor: null });
    expect((await call(`${path}/reconciliation`)).body).toMatchObject({ status: 'matches', differences: [] });
    expect((await call(`${path}/runs`)).body['items']).toHaveLength(1);
    expect((await call(`${path}?reason=of the test`, 'DELETE')).status).toBe(204);
  });
});
