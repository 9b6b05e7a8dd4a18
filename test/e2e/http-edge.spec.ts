import { connect } from 'node:net';
import type { OpenAPIObject } from '@nestjs/swagger';
import { startTestServer, type TestServer } from '../support/server';

const key = 'the-key-of-the-http-edge';
const auth = { authorization: `Bearer ${key}` };
// Ten times what the slowest answer took, start of the connection included.
const ANSWER_MS = 5_000;

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends bytes as they are; clients of HTTP tidy paths and headers first. */
function raw(url: string, request: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(request, 'latin1'));
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`No answer to ${request.slice(0, 80)}`)));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(parsed(Buffer.concat(chunks).toString())));
  });
}

function parsed(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: rest.join('\r\n\r\n'),
  };
}

const line = (target: string, method = 'GET', more = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${more}\r\n`;

describe('the HTTP edge of the running server', () => {
  let guarded: TestServer;
  let open: TestServer;
  beforeAll(async () => {
    guarded = await startTestServer({ HOLDFAST_BOOTSTRAP_KEY: key });
    open = await startTestServer();
  });
  afterAll(async () => {
    await guarded.close();
    await open.close();
  });

  // The canonical path once, then spellings with which other servers were talked past their guards.
  it.each([
    '/api/queue/stats',
    '/queue/stats',
    '/api/queue/stats/',
    '/API/queue/stats',
    '//api/queue/stats',
    '/api//queue/stats',
    '/api/queue%2fstats',
    '/api/%71ueue/stats',
    '/api/queue/stats%20',
    '/api/queue/stats;x=1',
    '/api/queue/stats..;/',
    '/health/../api/queue/stats',
    '/health/..;/api/queue/stats',
    '/health%2f..%2fapi/queue/stats',
    '/problems/..%2f..%2fapi%2fqueue%2fstats',
    '/api/queue/stats?public=1',
    '/api/queue/stats#/health',
    '\\api\\queue\\stats',
    'http://localhost/api/queue/stats',
    'http://localhost//api/queue/stats',
    '/docs',
    '/docs/',
    '/docs/swagger-ui.css',
    '/%64ocs',
    '/openapi.json',
    '/admin/queues',
    '/admin/queues/api/queues',
    '/admin/%71ueues/api/queues',
    '//admin/queues/api/queues',
  ])('shows nothing of %s without the key', async (target) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'TRACE']) {
      const { status, body } = await raw(guarded.url, line(target, method));
      expect([target, method, [400, 401, 404, 405].includes(status)]).toEqual([target, method, true]);
      expect(body).not.toMatch(/"waiting"|\.swagger-ui |id="swagger-ui"|"openapi":/);
    }
  });

  it.each([
    ['a path that cannot be decoded', line('/api/%zz'), 400, 'url_malformed'],
    ['an unknown path', line('/nothing'), 404, 'route_not_found'],
    ['a method the path does not have', line('/api/queue/stats', 'DELETE'), 405, 'method_not_allowed'],
    ['a method nobody has', line('/api/queue/stats', 'PURGE'), 405, 'method_not_allowed'],
    ['no Host header', 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'bad_request'],
    ['two Host headers', line('/health/live', 'GET', 'Host: evil.example\r\n'), 400, 'bad_request'],
    ['what is not HTTP', 'HELLO\r\n\r\n', 400, 'http_malformed'],
    ['two lengths', line('/x', 'POST', 'Content-Length: 1\r\nContent-Length: 2\r\n'), 400, 'http_malformed'],
    ['headers of 20 kB', line('/', 'GET', `X-Long: ${'x'.repeat(20_000)}\r\n`), 431, 'headers_too_large'],
    ['an unknown Expect', line('/health/live', 'GET', 'Expect: wonders\r\n'), 417, 'expectation_failed'],
    ['an id of 300 characters', line(`/api/queue/jobs/${'x'.repeat(300)}`), 414, 'path_too_long'],
  ])('answers %s with a problem', async (_what, request, status, code) => {
    const answer = await raw(open.url, request);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'x-content-type-options': 'nosniff',
    });
    const body = JSON.parse(answer.body) as Record<string, unknown>;
    expect(body).toMatchObject({ status, code, type: `/problems/${code.replaceAll('_', '-')}` });
    expect(answer.headers['x-request-id']).toBe(body['requestId']);
  });

  it('answers HEAD of an unknown path without a body', async () => {
    const answer = await raw(open.url, line('/nothing', 'HEAD'));
    expect([answer.status, answer.body]).toEqual([404, '']);
  });

  it('says which methods a path has', async () => {
    const answer = await raw(open.url, line('/api/queue/jobs', 'OPTIONS'));
    expect(answer.status).toBe(204);
    expect(answer.headers['allow']).toContain('POST');
  });

  it('goes on after bytes that were no request', async () => {
    await raw(open.url, '\x16\x03\x01\x02\x00\r\n\r\n');
    expect((await fetch(`${open.url}/health/live`)).status).toBe(200);
  });

  it('without a key answers no name that a foreign page could point at it', async () => {
    for (const target of ['/api/queue/stats', '/health/live', '/docs', '/admin/queues', '/nothing']) {
      const answer = await raw(
        open.url,
        `GET ${target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
      );
      expect([target, answer.status]).toEqual([target, 403]);
    }
  });

  it('takes no change from a page of another site, even with the key', async () => {
    const answer = await fetch(`${guarded.url}/api/queue/jobs`, {
      method: 'POST',
      headers: { ...auth, 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' },
      body: JSON.stringify({ type: 'test-job', data: { message: 'x' } }),
    });
    expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'cross_site_refused' }]);
  });

  it.each([
    ['text/plain', '{"type":"test-job"}', 415],
    ['application/x-www-form-urlencoded', 'type=test-job', 415],
    ['application/json', '{"type":', 400],
    ['application/json', `${'{"data":'.repeat(4_000)}1${'}'.repeat(4_000)}`, 400],
    ['application/json', '{"type":"test-job","data":{"__proto__":{}}}', 400],
    ['application/json', '{"type":"test-job","data":{"message":"x"},"role":"admin"}', 400],
    ['application/json', '{"type":"no-such-type","data":{}}', 404],
    ['application/json', '{"type":"test-job","data":{"message":7}}', 422],
    ['application/json', '{"data":{}}', 422],
    ['application/json', `{"type":"${'x'.repeat(1_100_000)}"}`, 413],
  ])('answers an enqueue of %s %.30s with %d', async (type, body, status) => {
    const answer = await fetch(`${guarded.url}/api/queue/jobs`, {
      method: 'POST',
      headers: { ...auth, 'content-type': type },
      body,
    });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ status, instance: '/api/queue/jobs' });
  });

  it('carries the member `error` where document 001 promises it', async () => {
    const answer = await fetch(`${guarded.url}/api/queue/stats`);
    expect([answer.status, await answer.json()]).toMatchObject([401, { error: 'Unauthorized' }]);
  });

  it('sends a browser that opens a page to the log-in', async () => {
    const asked = await fetch(`${guarded.url}/docs`, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
    });
    expect([asked.status, asked.headers.get('location')]).toEqual([303, '/ui/login?next=%2Fdocs']);
    for (const path of ['/docs', '/docs/swagger-ui-bundle.js', '/openapi.json', '/api/queue/stats']) {
      const answer = await fetch(`${guarded.url}${path}`, { headers: auth });
      await answer.arrayBuffer();
      expect([path, answer.status]).toEqual([path, 200]);
    }
  });

  it('describes each route once, and every job type', async () => {
    const document = (await (await fetch(`${open.url}/openapi.json`)).json()) as OpenAPIObject;
    const paths = Object.keys(document.paths);
    expect(paths).toEqual(
      expect.arrayContaining(['/api/queue/jobs', '/api/queue/jobs/{id}', '/api/queue/stats']),
    );
    expect(paths.filter((path) => path.startsWith('/queue'))).toEqual([]);
    expect(document.components?.schemas).toHaveProperty(['Enqueue_test-job']);
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item as Record<string, { operationId?: string }>).map(({ operationId }) => operationId),
    );
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('lists every route that answers and no other', async () => {
    const document = (await (await fetch(`${open.url}/openapi.json`)).json()) as OpenAPIObject;
    const paths = Object.entries(document.paths);
    for (const [path] of paths) {
      const target = path.replaceAll(/\{\w+\}/g, 'x');
      // A fixed path such as /jobs/batch can be the id of another route, too.
      const answering = paths.filter(([other]) =>
        new RegExp(`^${other.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(target),
      );
      const { headers } = await raw(open.url, line(target, 'OPTIONS'));
      const allowed = headers['allow']?.toLowerCase().split(', ') ?? [];
      const listed = answering
        .flatMap(([, item]) => Object.keys(item as object))
        .filter((name) => name !== 'parameters');
      expect([path, allowed.filter((name) => name !== 'head' && name !== 'options').sort()]).toEqual([
        path,
        [...new Set(listed)].sort(),
      ]);
    }
  });
});
