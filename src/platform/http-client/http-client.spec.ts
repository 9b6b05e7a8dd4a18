import { Logger } from '@nestjs/common';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { LookupAddress } from 'node:dns';
import type { AddressInfo, LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { HttpClient, type HttpClientOptions } from './http-client.service';
import {
  AddressRefusedError,
  CompressionRatioError,
  ContentTypeError,
  OutboundConnectionError,
  OutboundRequestError,
  OutboundTimeoutError,
  RedirectRefusedError,
  ResponseTooLargeError,
  ResponseUnreadableError,
  UpstreamStatusError,
} from './outbound-error';
import type { OutboundRequest } from './outbound-request';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const megabyte = 1_048_576;

/** A server on loopback that counts who dials it; one of them is upstream, the other a canary that nobody may reach. */
class Upstream {
  connections = 0;
  readonly seen: IncomingMessage[] = [];
  answer: Answer = (_request, response) => response.end('secret');
  private readonly server: Server = createServer((request, response) => {
    this.seen.push(request);
    this.answer(request, response);
  }).on('connection', () => this.connections++);

  async listen(host: string): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, host, done));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

/** A name server in the test's hands: each name has answers, used up one by one until the last. */
function names(answers: Record<string, string[][]>): LookupFunction {
  return (hostname, options, callback) => {
    const left = answers[hostname] ?? [];
    const addresses = (left.length > 1 ? left.shift() : left[0]) ?? [];
    const found: LookupAddress[] = addresses.map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));
    if (options.all === true) callback(null, found);
    else callback(null, found[0]?.address ?? '', found[0]?.family);
  };
}

async function failure(exchange: Promise<unknown>): Promise<Error> {
  return exchange.then(
    () => new Error('The exchange succeeded.'),
    (error: Error) => error,
  );
}

describe('the HTTP client', () => {
  const upstream = new Upstream();
  const canary = new Upstream();
  const clients: HttpClient[] = [];
  let logged = '';
  const log = (line: unknown) => void (logged += JSON.stringify(line));

  beforeAll(async () => {
    Logger.overrideLogger({ debug: log, log, warn: log, error: log });
    await Promise.all([upstream.listen('127.0.0.2'), canary.listen('127.0.0.1')]);
  });
  afterAll(async () => {
    Logger.overrideLogger(false);
    await Promise.all([upstream.close(), canary.close()]);
  });
  beforeEach(() => {
    upstream.seen.length = 0;
    canary.connections = 0;
  });
  afterEach(() => clients.splice(0).forEach((made) => made.onApplicationShutdown()));

  /** May dial upstream's address, which stands for the public network, and nothing else that is local. */
  function client(options: Partial<HttpClientOptions> = {}): HttpClient {
    const allowPorts = [80, upstream.port, canary.port];
    const made = new HttpClient({ allowAddresses: ['127.0.0.2/32'], allowPorts, ...options });
    clients.push(made);
    return made;
  }
  const url = (path = '/') => `http://127.0.0.2:${upstream.port}${path}`;
  const fetch = (request: Partial<OutboundRequest> = {}) => client().buffer({ url: url(), ...request });
  const reply = (body: string | Buffer, headers: Record<string, string> = {}, status = 200) => {
    upstream.answer = (_request, response) => response.writeHead(status, headers).end(body);
  };

  describe('dials public addresses only', () => {
    const spellings = [
      '127.0.0.1',
      '2130706433',
      '0177.0.0.1',
      '017700000001',
      '0x7f000001',
      '0x7f.0x0.0x0.0x1',
      '127.1',
      '127.0.1',
      '①②⑦.⓪.⓪.①',
      '127。0。0。1',
      '%31%32%37.0.0.1',
      '0.0.0.0',
      '0',
      'localhost',
      'LOCALHOST',
      '[::1]',
      '[::]',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::127.0.0.1]',
      '[64:ff9b:1::7f00:1]',
      '[2002:7f00:1::]',
      '[2001:0:7f00:1::]',
      '[fe80::1]',
      '[fec0::1]',
      '[fd00:ec2::254]',
      '[ff02::1]',
      '169.254.169.254',
      '168.63.129.16',
      '100.100.100.200',
      '192.0.0.192',
      '10.0.0.1',
      '172.16.0.1',
      '192.168.0.1',
      '224.0.0.1',
      '255.255.255.255',
    ];

    it.each(spellings)('and refuses %s', async (host) => {
      const open = client({ allowAddresses: [] });
      const error = await failure(open.buffer({ url: `http://${host}:${canary.port}/` }));
      expect(error).toBeInstanceOf(AddressRefusedError);
      expect(error).toMatchObject({ isRetryable: false });
      expect(canary.connections).toBe(0);
    });

    it('whatever a name leads to, alone or beside a public address', async () => {
      const lookup = names({
        'inside.example': [['127.0.0.1']],
        'mixed.example': [['127.0.0.2', '127.0.0.1']],
        'mapped.example': [['::ffff:127.0.0.1']],
      });
      for (const host of ['inside', 'mixed', 'mapped']) {
        const target = `http://${host}.example:${canary.port}/`;
        expect(await failure(client({ lookup }).buffer({ url: target }))).toBeInstanceOf(AddressRefusedError);
      }
      expect(canary.connections).toBe(0);
    });

    it('at each dial anew: a name that changes its address is refused the second time', async () => {
      reply('public');
      const lookup = names({ 'rebinding.example': [['127.0.0.2'], ['127.0.0.1']] });
      const rebound = client({ lookup });
      const target = `http://rebinding.example:${upstream.port}/`;
      expect((await rebound.buffer({ url: target })).body.toString()).toBe('public');
      expect(await failure(rebound.buffer({ url: target }))).toBeInstanceOf(AddressRefusedError);
    });

    it('so that nothing inside is ever reached: by address, name, rebinding or redirect', async () => {
      const internal = spellings.map((host) => `http://${host}:${canary.port}/`);
      const lookup = names({ 'rebinding.example': [['127.0.0.2'], ['127.0.0.1']] });
      const named = client({ lookup });
      await named.buffer({ url: `http://rebinding.example:${upstream.port}/` }).catch(() => undefined);
      const attempts = [
        ...internal.map((target) => () => client({ allowAddresses: [] }).buffer({ url: target })),
        ...internal.map((target) => () => {
          upstream.answer = (_request, response) =>
            response.writeHead(302, { location: encodeURI(target) }).end();
          return fetch();
        }),
        () => named.buffer({ url: `http://rebinding.example:${canary.port}/` }),
      ];
      let refused = 0;
      for (const attempt of attempts) {
        const error = await failure(attempt());
        if ((error as { isRetryable?: boolean }).isRetryable === false) refused += 1;
      }
      process.stdout.write(`A12 attempts=${attempts.length} refused=${refused} hits=${canary.connections}\n`);
      expect([refused, canary.connections]).toEqual([attempts.length, 0]);
    });

    it('and the networks that the settings name', async () => {
      reply('inside');
      const named = client({ allowAddresses: ['127.0.0.0/8', 'fd00::/8'] });
      expect((await named.buffer({ url: url() })).body.toString()).toBe('inside');
    });

    it('without a proxy, whatever the environment says', async () => {
      reply('direct');
      const { HTTP_PROXY, http_proxy, NODE_USE_ENV_PROXY } = process.env;
      const proxy = `http://127.0.0.1:${canary.port}`;
      Object.assign(process.env, { HTTP_PROXY: proxy, http_proxy: proxy, NODE_USE_ENV_PROXY: '1' });
      try {
        expect((await fetch()).body.toString()).toBe('direct');
      } finally {
        for (const [name, value] of Object.entries({ HTTP_PROXY, http_proxy, NODE_USE_ENV_PROXY })) {
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
        }
      }
      expect(canary.connections).toBe(0);
    });
  });

  it.each([
    ['another scheme', 'file:///etc/passwd'],
    ['no scheme', '//example.com/'],
    ['a password', 'http://user:password@example.com/'],
    ['a port that is not allowed', 'http://example.com:22/'],
    ['more characters than a server reads', `http://example.com/${'a'.repeat(9_000)}`],
  ])('refuses an address with %s', async (_what, target) => {
    expect(await failure(client().buffer({ url: target }))).toBeInstanceOf(OutboundRequestError);
  });

  it.each<Record<string, string>>([
    { Host: 'other' },
    { 'Transfer-Encoding': 'chunked' },
    { 'x-a': 'b\r\nx-c: d' },
  ])('refuses the header %j', async (headers) => {
    expect(await failure(fetch({ headers }))).toBeInstanceOf(OutboundRequestError);
    expect(upstream.seen).toHaveLength(0);
  });

  describe('follows redirects by hand', () => {
    const redirect = (location: string, status = 302) => reply('', { location }, status);

    it('to another path, with all headers', async () => {
      upstream.answer = ({ url: path }, response) => {
        if (path === '/old') response.writeHead(301, { location: '/new' }).end();
        else response.end('here');
      };
      const response = await fetch({ url: url('/old'), headers: { authorization: 'Bearer key' } });
      expect(response).toMatchObject({ status: 200, url: url('/new') });
      expect(upstream.seen.at(-1)?.headers.authorization).toBe('Bearer key');
    });

    it('to another origin, without anything that may be a key', async () => {
      upstream.answer = ({ url: path }, response) => {
        if (path === '/old')
          response.writeHead(302, { location: `http://other.example:${upstream.port}/` }).end();
        else response.end('there');
      };
      const lookup = names({ 'other.example': [['127.0.0.2']] });
      const headers = {
        Authorization: 'Bearer key',
        Cookie: 'a=b',
        'X-Api-Key': 'key',
        Accept: 'text/plain',
      };
      await client({ lookup }).buffer({ url: url('/old'), headers });
      const seen = upstream.seen.at(-1)?.headers ?? {};
      expect(Object.keys(seen).toSorted()).toEqual([
        'accept',
        'accept-encoding',
        'connection',
        'host',
        'user-agent',
      ]);
      expect(seen.accept).toBe('text/plain');
    });

    it('never to loopback, by number or by name', async () => {
      for (const host of ['127.0.0.1', '2130706433', '[::ffff:7f00:1]', 'localhost']) {
        redirect(`http://${host}:${canary.port}/`);
        expect(await failure(fetch())).toBeInstanceOf(AddressRefusedError);
      }
      expect(canary.connections).toBe(0);
    });

    it.each([
      ['another scheme', 'file:///etc/passwd'],
      ['credentials', 'http://user:password@127.0.0.2/'],
      ['a refused port', 'http://127.0.0.2:22/'],
      ['itself, for ever', '/'],
    ])('never to %s', async (_what, location) => {
      redirect(location);
      const error = await failure(fetch());
      expect(error).toBeInstanceOf(RedirectRefusedError);
      expect(error.message).not.toContain('user:');
      expect(upstream.seen.length).toBeLessThanOrEqual(4);
    });

    it('never with a body', async () => {
      redirect('/elsewhere', 307);
      expect(await failure(fetch({ method: 'POST', body: 'order' }))).toBeInstanceOf(RedirectRefusedError);
      expect(upstream.seen).toHaveLength(1);
    });
  });

  describe('reads a bounded body', () => {
    it.each([
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
      ['deflate', deflateSync],
    ])('that is compressed by %s', async (coding, compress) => {
      reply(compress('text'), { 'content-encoding': coding });
      expect((await fetch()).body.toString()).toBe('text');
    });

    const zeros = Buffer.alloc(64 * 1_024);
    const endless = () =>
      new Readable({
        read: function push(this: Readable) {
          this.push(zeros);
        },
      });
    // Members of nothing: they decompress to no byte at all, however many come.
    const nothing = gzipSync('');
    const voids = Buffer.concat(Array.from({ length: 2_000 }, () => nothing));

    it.each<[string, Answer]>([
      [
        'a declared gigabyte',
        (_request, response) => response.writeHead(200, { 'content-length': 1e9 }).write('a'),
      ],
      ['an endless body', (_request, response) => void endless().pipe(response)],
      [
        'a gzip bomb',
        (_request, response) => {
          response.writeHead(200, { 'content-encoding': 'gzip' });
          endless().pipe(createGzip()).pipe(response);
        },
      ],
      [
        'endless compressed nothing',
        (_request, response) => {
          response.writeHead(200, { 'content-encoding': 'gzip' });
          new Readable({
            read: function push(this: Readable) {
              this.push(voids);
            },
          }).pipe(response);
        },
      ],
      [
        'a bomb in brotli',
        (_request, response) => {
          response
            .writeHead(200, { 'content-encoding': 'br' })
            .end(brotliCompressSync(Buffer.alloc(8 * megabyte)));
        },
      ],
    ])('and gives up on %s, without keeping it', async (_what, answer) => {
      upstream.answer = answer;
      const before = process.memoryUsage.rss();
      expect(await failure(fetch({ maxBytes: megabyte }))).toBeInstanceOf(ResponseTooLargeError);
      expect(process.memoryUsage.rss() - before).toBeLessThan(150 * megabyte);
    });

    it('and, where the request says so, on one that compression made suspiciously small', async () => {
      reply(gzipSync(Buffer.alloc(8 * megabyte)), { 'content-encoding': 'gzip' });
      const request = { maxBytes: 100 * megabyte, maxRatio: 100 };
      expect(await failure(fetch(request))).toBeInstanceOf(CompressionRatioError);
      expect((await fetch({ ...request, maxRatio: 2_000 })).body).toHaveLength(8 * megabyte);
      reply(gzipSync(Buffer.alloc(2 * megabyte)), { 'content-encoding': 'gzip' });
      expect((await fetch(request)).body).toHaveLength(2 * megabyte);
    });

    it('as a stream, which fails in the same way', async () => {
      upstream.answer = (_request, response) => void endless().pipe(response);
      const { body } = await client().stream({ url: url(), maxBytes: megabyte });
      const read = async () => {
        let bytes = 0;
        for await (const chunk of body) bytes += (chunk as Buffer).length;
        return bytes;
      };
      expect(await failure(read())).toBeInstanceOf(ResponseTooLargeError);
    });

    it.each([
      ['an unknown coding', 'text', 'zstd'],
      ['two codings', 'text', 'gzip, gzip'],
      ['no gzip where it says so', 'text', 'gzip'],
      ['half a gzip', gzipSync('a long enough text').subarray(0, 12), 'gzip'],
    ])('and refuses %s', async (_what, body, coding) => {
      reply(body, { 'content-encoding': coding });
      expect(await failure(fetch())).toBeInstanceOf(ResponseUnreadableError);
    });

    it('of an accepted type only', async () => {
      reply('<html>', { 'content-type': 'text/html; charset=utf-8' });
      const error = await failure(fetch({ contentTypes: ['application/*+xml', 'text/xml'] }));
      expect(error).toBeInstanceOf(ContentTypeError);
      expect((await fetch({ contentTypes: ['text/*'] })).body.toString()).toBe('<html>');
    });

    it('as JSON, and quotes nothing of what is none', async () => {
      reply('{"a":1}', { 'content-type': 'application/problem+json' });
      expect((await client().json({ url: url() })).body).toEqual({ a: 1 });
      reply('secret text', { 'content-type': 'application/json' });
      const error = await failure(client().json({ url: url() }));
      expect(error).toBeInstanceOf(ResponseUnreadableError);
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('secret');
    });

    it('or none, where nothing has changed', async () => {
      reply('', { 'content-encoding': 'gzip' }, 304);
      const response = await fetch({ headers: { 'If-None-Match': '"1"' }, contentTypes: ['text/xml'] });
      expect(response).toMatchObject({ status: 304, body: Buffer.alloc(0) });
      expect(await failure(fetch())).toBeInstanceOf(UpstreamStatusError);
    });
  });

  describe('waits for a bounded time', () => {
    it.each<[string, Answer]>([
      ['a head that never comes', () => undefined],
      [
        'a body that stops',
        (_request, response) => {
          response.writeHead(200, { 'content-length': 10 });
          response.write('a');
        },
      ],
    ])('for %s', async (_what, answer) => {
      upstream.answer = answer;
      const error = await failure(fetch({ timeoutMs: 200 }));
      expect(error).toBeInstanceOf(OutboundTimeoutError);
      expect(error).toMatchObject({ phase: 'total', timeoutMs: 200, isRetryable: true });
    });

    it('for a connection, the lookup of its name included', async () => {
      const lookup: LookupFunction = () => undefined;
      const request = { url: 'http://slow.example/', connectTimeoutMs: 100 };
      const error = await failure(client({ lookup }).buffer(request));
      expect(error).toMatchObject({ name: 'OutboundTimeoutError', phase: 'connect' });
    });

    it('and not at all once the caller ends it', async () => {
      const controller = new AbortController();
      upstream.answer = () => controller.abort(new Error('The job was cancelled.'));
      expect(await failure(fetch({ signal: controller.signal }))).toBe(controller.signal.reason);
    });
  });

  it.each([
    [404, {}, { isRetryable: false }],
    [500, {}, { isRetryable: true }],
    [429, { 'retry-after': '7' }, { isRetryable: true, retryAfterMs: 7_000 }],
    [503, { 'retry-after': '99999999999' }, { isRetryable: true, retryAfterMs: 86_400_000 }],
  ])(
    'makes an error of a %i, without its body',
    async (status, headers: Record<string, string>, expected) => {
      reply('secret text', headers, status);
      const error = await failure(fetch({ url: url('/path-key?token=query-key') }));
      expect(error).toBeInstanceOf(UpstreamStatusError);
      expect(error).toMatchObject({ status, ...expected });
      expect(`${error.stack}${JSON.stringify(error)}`).not.toMatch(/secret|path-key|query-key/);
    },
  );

  it('logs where it called, and neither path nor query, which may hold keys', async () => {
    reply('text');
    await fetch({ url: url('/path-key?token=query-key'), headers: { authorization: 'header-key' } });
    expect(logged).toContain(`"origin":"http://127.0.0.2:${upstream.port}"`);
    expect(logged).not.toMatch(/(path|query|header)-key/);
  });

  it('tells a broken connection from an answer that is no HTTP', async () => {
    upstream.answer = (request) => request.socket.destroy();
    expect(await failure(fetch())).toMatchObject({ name: 'OutboundConnectionError', isRetryable: true });
    upstream.answer = ({ socket }) => socket.end('secret text\r\n\r\n');
    const error = await failure(fetch());
    expect(error).toBeInstanceOf(ResponseUnreadableError);
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('secret');
  });

  it('does not go on where TLS fails', async () => {
    const error = await failure(fetch({ url: `https://127.0.0.2:${upstream.port}/` }));
    expect(error).toBeInstanceOf(OutboundConnectionError);
    expect(error).toMatchObject({ isRetryable: false });
  });
});
