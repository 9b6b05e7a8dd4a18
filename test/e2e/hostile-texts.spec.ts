import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { operationsOf, resolverOf } from '../support/fuzz/requests';
import { valid } from '../support/fuzz/schema-arbitrary';
import { RawClient } from '../support/raw-client';
import { startTestServer, type TestServer } from '../support/server';

const key = 'the-key-of-the-hostile-texts';
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
// Far more than ten times what the slowest answer took; a pattern that backtracks takes longer than any test waits.
const ANSWER_MS = 3_000;
const TEXT_CHARACTERS = 20_000;
const QUERY_CHARACTERS = 2_000;
const SAMPLES_OF_A_BODY = 4;

/** What patterns of every kind stumble over, each repeated and then broken off. */
const units: readonly (readonly [string, string])[] = [
  ['a', '!'],
  [' ', 'x'],
  ['\t ', '\0'],
  ['0', 'x'],
  ['1.', 'x'],
  ['@', ' '],
  ['a@', '\n'],
  ['a.', '@'],
  ['-', '!'],
  ['/', '\\'],
  ['../', '\0'],
  ['%2', '%'],
  [':', '!'],
  ['"', "'"],
  ['\\', '"'],
  ['\n', '\0'],
  ['T00:00:00', 'Z!'],
  ['2024-', 'x'],
  ['[(', ')'],
  ['${', '}'],
  ['= ', '=='],
  ['\u{1F4A9}', '!'],
  ['é́', '!'],
  ['hfs1.', '.'],
];
const textsOf = (length: number) =>
  units.map(([unit, end]) => unit.repeat(Math.floor(length / unit.length)) + end);

type Path = readonly (string | number)[];

/** Where the texts of a value stand. */
function textPlaces(value: unknown, at: Path = []): Path[] {
  if (typeof value === 'string') return [at];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) =>
    textPlaces(one, [...at, Array.isArray(value) ? Number(name) : name]),
  );
}

function replaced(value: unknown, [name, ...rest]: Path, text: string): unknown {
  if (name === undefined) return text;
  const copy: Record<string | number, unknown> = Array.isArray(value)
    ? ([...(value as unknown[])] as never)
    : { ...(value as object) };
  copy[name] = replaced(copy[name], rest, text);
  return copy;
}

describe('hostile texts', () => {
  let server: TestServer;
  let client: RawClient;
  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: key });
    client = new RawClient(server.url);
  });
  afterAll(async () => {
    client.close();
    await server.close();
  });

  const jobs = async () => {
    const counts = await server.app.get(QueueRegistry).get('default')!.queue.getJobCounts();
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  };

  it('hold nobody up, in any field, parameter or path', async () => {
    const document = JSON.parse((await client.call('/openapi.json', { headers })).text) as never;
    const resolve = resolverOf(document);
    const calls: { what: string; path: string; method: string; body?: string }[] = [];
    for (const operation of operationsOf(document)) {
      const { method, path, parameters, body } = operation;
      const open = path.replace(/\{\w+\}/g, 'nothing');
      const what = `${method} ${path}`;
      const inPath = parameters.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`);
      const inQuery = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
      for (const text of textsOf(QUERY_CHARACTERS)) {
        const encoded = encodeURIComponent(text).slice(0, 6_000);
        for (const name of inQuery) {
          calls.push({ what: `${what} ?${name}`, method, path: `${open}?${name}=${encoded}` });
        }
        for (const name of inPath) {
          const filled = path.replace(name, encoded).replace(/\{\w+\}/g, 'nothing');
          calls.push({ what: `${what} ${name}`, method, path: filled });
        }
      }
      if (body?.type !== 'application/json') continue;
      const samples = fc.sample(valid(body.schema, resolve), { numRuns: SAMPLES_OF_A_BODY, seed: 1 });
      const places = new Map<string, { sample: unknown; place: Path }>();
      for (const sample of samples) {
        for (const place of textPlaces(sample)) places.set(JSON.stringify(place), { sample, place });
      }
      for (const { sample, place } of places.values()) {
        for (const text of textsOf(TEXT_CHARACTERS)) {
          const json = JSON.stringify(replaced(sample, place, text));
          calls.push({ what: `${what} ${place.join('.')}`, method, path: open, body: json });
        }
      }
    }
    const before = await jobs();
    let slowest = { ms: 0, what: '' };
    const faults: string[] = [];
    for (const { what, path, method, body } of calls) {
      const startedAt = performance.now();
      const { status } = await client.call(path, { method, headers, ...(body !== undefined && { body }) });
      const ms = performance.now() - startedAt;
      if (ms > slowest.ms) slowest = { ms, what };
      if (status >= 500) faults.push(`${what}: ${status}`);
    }
    const fields = new Set(calls.map(({ what }) => what)).size;
    process.stdout.write(
      `A04 fields=${fields} requests=${calls.length} faults=${faults.length} slowest_ms=${Math.round(slowest.ms)} at="${slowest.what}"\n`,
    );
    expect(faults).toEqual([]);
    expect(slowest.ms).toBeLessThan(ANSWER_MS);
    expect(fields).toBeGreaterThan(50);
    expect(await jobs()).toBe(before);
  }, 240_000);

  it('are refused as bodies, whatever is wrong with them, and store nothing', async () => {
    const job = { type: 'test-job', data: { message: 'x' } };
    const deep = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);
    const type = (value: string) => ({ 'content-type': value });
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`k${at}`, 1]));
    const cases: readonly (readonly [string, string | Buffer, Record<string, string>, readonly number[]])[] =
      [
        ['5,000 levels of objects', deep('{"a":', '}', 5_000), {}, [400]],
        ['40,000 levels of arrays', deep('[', ']', 40_000), {}, [400]],
        ['5,000 members', JSON.stringify({ ...job, data: wide }), {}, [400]],
        ['a list of 100,000', JSON.stringify({ jobs: Array(100_000).fill(1) }), {}, [400, 413]],
        ['a key twice', '{"type":"test-job","type":"test-job","data":{"message":"x"}}', {}, [400]],
        ['__proto__', '{"type":"test-job","data":{"message":"x","__proto__":{"a":1}}}', {}, [400]],
        ['bytes that are no UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22]), {}, [400]],
        ['half a surrogate pair', '{"type":"\\ud800","data":{}}', {}, [400, 404, 422]],
        ['2 MB', JSON.stringify({ ...job, data: { message: 'x'.repeat(2_000_000) } }), {}, [413]],
        ['a compressed bomb', gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }, [400, 415]],
        ['another charset', JSON.stringify(job), type('application/json; charset=utf-16'), [415]],
        ['no type', JSON.stringify(job), type(''), [415]],
        ['XML', '<job/>', type('application/xml'), [415]],
        ['a number too large', '{"type":"test-job","data":{"message":"x","delay":1e999}}', {}, [400, 422]],
      ];
    const before = await jobs();
    let slowestMs = 0;
    for (const [what, body, more, expected] of cases) {
      const paths = ['/api/queue/jobs', '/api/queue/jobs/batch', '/api/rule-sets', '/api/keys'];
      for (const path of paths) {
        const startedAt = performance.now();
        const answer = await fetch(`${server.url}${path}`, {
          method: 'POST',
          headers: { ...headers, ...more },
          body,
        });
        slowestMs = Math.max(slowestMs, performance.now() - startedAt);
        const problem = (await answer.json()) as Record<string, unknown>;
        expect([what, path, answer.headers.get('content-type')]).toEqual([
          what,
          path,
          'application/problem+json',
        ]);
        expect(answer.status).toBeLessThan(500);
        if (path === paths[0]) {
          expect([what, expected.includes(answer.status), answer.status]).toEqual([
            what,
            true,
            answer.status,
          ]);
        }
        expect(JSON.stringify(problem).length).toBeLessThan(10_000);
      }
    }
    process.stdout.write(`A03 bodies=${cases.length} stored=0 slowest_ms=${Math.round(slowestMs)}\n`);
    expect(await jobs()).toBe(before);
    expect(slowestMs).toBeLessThan(ANSWER_MS);
  }, 60_000);
});
