import { sql } from 'drizzle-orm';
import { Database } from '../../src/platform/database/database.service';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-hostile-imports-spec';

const RATE = { max: 5, durationMs: 1_000 };

describe('how many sources a tenant may keep', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', FEED_SOURCES_PER_TENANT: '1005' });
    // Rows like those of a tenant that is nearly full: of sources, and of those with a rate.
    await server.app.get(Database).query.execute(sql`
      INSERT INTO feed_sources (id, tenant, name, url, rate_max, rate_duration_ms, created_at, updated_at)
      SELECT gen_random_uuid(), 'default', 'source ' || at, 'https://example.org/', 1, 1000, now(), now()
      FROM generate_series(1, 998) AS at`);
  });
  afterAll(() => server.close());

  const call = async (method: string, path: string, body?: object) => {
    const answer = await fetch(server.url + path, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
  };
  const many = (count: number, more: object) =>
    Promise.all(
      Array.from({ length: count }, (_, at) =>
        call('POST', '/api/sources', {
          name: `${JSON.stringify(more)} ${at}`,
          url: 'https://example.org/',
          ...more,
        }),
      ),
    );

  it('is held, for all and for those with a rate, also when many come at once', async () => {
    const rated = await many(8, { rate: RATE });
    const refusedRates = rated.filter(({ status }) => status !== 201);
    expect(refusedRates).toHaveLength(6);
    expect(refusedRates[0]!.body).toMatchObject({
      status: 409,
      code: 'too_many_sources',
      detail: '1000 sources of a tenant may have a rate of their own: take "rate" from another.',
    });
    const plain = await many(12, {});
    const [made] = plain.filter(({ status }) => status === 201);
    const refused = plain.filter(({ status }) => status !== 201);
    expect(refused).toHaveLength(7);
    expect(refused[0]!.body).toMatchObject({
      status: 409,
      code: 'too_many_sources',
      detail: 'A tenant may have 1005 sources (FEED_SOURCES_PER_TENANT).',
    });
    // Nor does a rate come in by a change; one that goes makes room.
    const path = `/api/sources/${String(made!.body['id'])}`;
    expect((await call('PATCH', path, { rate: RATE })).body).toMatchObject({ code: 'too_many_sources' });
    const [kept] = rated.filter(({ status }) => status === 201);
    expect((await call('DELETE', `/api/sources/${String(kept!.body['id'])}`)).status).toBe(204);
    expect((await call('PATCH', path, { rate: RATE })).status).toBe(200);
  });

  it('makes no answer about an import of all of them large: the rest is in pages of its sources', async () => {
    const started = await call('POST', '/api/imports/start', {});
    expect(started.status).toBe(202);
    const { importId, sources } = started.body as { importId: string; sources: unknown[] };
    expect([started.body['sourceCount'], sources.length]).toEqual([1_000, 100]);
    expect(started.body['source']).toBeUndefined();

    const { body: one } = await call('GET', `/api/imports/${importId}`);
    expect(one).toMatchObject({ status: 'queued', sourceCount: 1_000, totals: { offered: 0, failed: 0 } });
    const shown = (one['sources'] as { source: string }[]).map(({ source }) => source);
    const { body: list } = await call('GET', '/api/imports');
    const [listed] = list['items'] as (typeof one)[];
    expect(listed).toMatchObject({ importId, status: 'queued', sourceCount: 1_000 });
    expect((listed!['sources'] as { source: string }[]).map(({ source }) => source)).toEqual(
      shown.slice(0, 10),
    );

    const names: string[] = [];
    const { sources: first } = one['links'] as { sources: string };
    for (let path: string | undefined = `${first}?limit=200&status=queued`; path !== undefined;) {
      const { status, body: page } = await call('GET', path);
      expect(status).toBe(200);
      names.push(...(page['items'] as { source: string }[]).map(({ source }) => source));
      const next = page['next_cursor'] as string | null;
      path = next === null ? undefined : `${first}?limit=200&status=queued&cursor=${next}`;
    }
    expect([names.length, new Set(names).size]).toEqual([1_000, 1_000]);
    expect(names.slice(0, 100)).toEqual(shown);
    expect((await call('GET', `${first}?status=failed`)).body).toEqual({ items: [], next_cursor: null });
    const bad = Buffer.from('["a b"]').toString('base64url');
    expect((await call('GET', `${first}?cursor=${bad}`)).body).toMatchObject({ code: 'cursor_invalid' });
    expect((await call('POST', `/api/imports/${importId}/cancel`)).body).toMatchObject({
      status: 'cancelled',
      sourceCount: 1_000,
    });
  });
});

describe('what strangers send as imports and sources', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ HOLDFAST_BOOTSTRAP_KEY: KEY });
  });
  afterAll(() => server.close());

  const send = async (method: string, path: string, json?: string): Promise<[number, unknown, unknown?]> => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(json !== undefined && { 'content-type': 'application/json' }),
      },
      ...(json !== undefined && { body: json }),
    });
    const body = (await answer.json()) as { code?: string; errors?: { pointer: string }[] };
    return [answer.status, body.code, ...(body.errors ?? []).map(({ pointer }) => pointer).slice(0, 1)] as [
      number,
      unknown,
    ];
  };
  const start = (json: string) => send('POST', '/api/imports/start', json);
  const source = (body: object | string) =>
    send('POST', '/api/sources', typeof body === 'string' ? body : JSON.stringify(body));
  /** Text that no index can compress. */
  const wide = (from: number, length: number) =>
    Array.from({ length }, (_none, at) => String.fromCodePoint(0x4e00 + ((from + at * 7919) % 20_000))).join(
      '',
    );

  it('names the field where a text cannot be kept', async () => {
    const invalid = (pointer: string) => [422, 'validation_failed', pointer];
    expect(await start(String.raw`{"source":"half \ud800","items":[{"guid":"x"}]}`)).toEqual(
      invalid('#/source'),
    );
    expect(await start(String.raw`{"source":"nul \u0000","items":[{"guid":"x"}]}`)).toEqual(
      invalid('#/source'),
    );
    expect(await start(JSON.stringify({ source: wide(1, 2_000), items: [{ guid: 'x' }] }))).toEqual(
      invalid('#/source'),
    );
    const url = 'https://example.org/feed';
    expect(await source(String.raw`{"name":"half \ud800","url":"${url}"}`)).toEqual(invalid('#/name'));
    expect(await source({ name: wide(2, 2_000), url })).toEqual(invalid('#/name'));
    expect(await source({ url: `https://example.org/${wide(3, 2_000)}` })).toEqual(invalid('#/url'));
    expect(await source({ url: 'https://someone:secret@example.org/' })).toEqual(invalid('#/url'));
    expect(await source(String.raw`{"url":"${url}","mapping":{"list":"/a\u0000"}}`)).toEqual(
      invalid('#/mapping/list'),
    );
    for (const name of [String.raw`a\u0000b`, String.raw`\ud800`, 'n'.repeat(600)]) {
      expect(await start(`{"source":"names","items":[{"guid":"x"},{"guid":"y","${name}":1}]}`)).toEqual(
        invalid('#/items/1'),
      );
    }
  });

  it('takes the longest names', async () => {
    expect(
      (await start(JSON.stringify({ source: wide(4, 682), items: [{ guid: wide(5, 2_048) }] })))[0],
    ).toBe(202);
    expect((await source({ name: 'é'.repeat(1_024), url: 'https://example.org/long' }))[0]).toBe(201);
  });

  it('refuses schedules that never come', async () => {
    for (const schedule of [
      '0 0 31 2 *',
      '@secondly',
      '*/5 * * * * *',
      '1-99999999 * * * *',
      '0 0 30 2 1#5',
    ]) {
      expect(await source({ url: 'https://example.org/never', schedule })).toEqual([
        422,
        'validation_failed',
        '#/schedule',
      ]);
    }
  });

  it('searches up to the end of time', async () => {
    const at = (query: string, time: string) =>
      send('GET', `/api/items?${query}=${encodeURIComponent(time)}`);
    expect((await at('to', '9999-12-31T23:59:59-10:00'))[0]).toBe(200);
    expect((await at('from', '1000-01-01T00:00:00+10:00'))[0]).toBe(200);
  });
});
