import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-hostile-imports-spec';

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
    for (const schedule of ['0 0 31 2 *', '@secondly', '*/5 * * * * *', '1-99999999 * * * *']) {
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
