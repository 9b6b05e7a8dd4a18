import { Logger } from '@nestjs/common';
import { createReadStream, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { HttpClient } from '../../platform/http-client/http-client.service';
import type { FeedEvent } from './feed-event';
import type { FeedItem } from './feed-item';
import type { FeedPagingDto } from './feed-paging.dto';
import { FeedReader } from './feed-reader.service';
import type { FeedSource, OpenFeed } from './feed-source';
import { FeedUnavailableError } from './feed-unavailable.error';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const megabyte = 1024 * 1024;
const head = '<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>';
const item = (id: number | string) =>
  `<item><guid>item-${id}</guid><title>Item ${id}</title><description>${'word '.repeat(100)}</description></item>`;
const rss = (...ids: (number | string)[]) => `${head}${ids.map(item).join('')}</channel></rss>`;

/** 127.0.0.2 stands for the public network; every other address of this machine stays private. */
class Publisher {
  readonly seen: IncomingMessage[] = [];
  connections = 0;
  answer: Answer = (_request, response) => response.end(rss(1));
  private readonly server: Server = createServer((request, response) => {
    this.seen.push(request);
    this.answer(request, response);
  }).on('connection', () => this.connections++);

  listen(host: string): Promise<void> {
    return new Promise((done) => this.server.listen(0, host, done));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }
}

/** A document without an end. */
function endless(begin: string, more: () => string): Readable {
  let isBegun = false;
  return new Readable({
    read() {
      this.push(isBegun ? more() : begin);
      isBegun = true;
    },
  });
}

interface Reading {
  events: FeedEvent[];
  items: FeedItem[];
  error: unknown;
  last: FeedEvent | undefined;
}

describe('the feed reader', () => {
  const publisher = new Publisher();
  const canary = new Publisher();
  let http: HttpClient;
  let reader: FeedReader;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    await Promise.all([publisher.listen('127.0.0.2'), canary.listen('127.0.0.1')]);
    http = new HttpClient({
      allowAddresses: ['127.0.0.2/32'],
      allowPorts: [80, publisher.port, canary.port],
    });
    reader = new FeedReader(http, 'Holdfast/1.2.3 (+https://holdfast.example.org)');
  });
  afterAll(async () => {
    http.onApplicationShutdown();
    await Promise.all([publisher.close(), canary.close()]);
  });
  beforeEach(() => {
    publisher.seen.length = 0;
    publisher.connections = 0;
    canary.connections = 0;
  });

  const url = (path = '/feed') => `http://127.0.0.2:${publisher.port}${path}`;
  const reply = (body: string | Buffer, headers: Record<string, string> = {}, status = 200) => {
    publisher.answer = (_request, response) => response.writeHead(status, headers).end(body);
  };
  async function open(source: Partial<FeedSource> = {}, signal?: AbortSignal): Promise<OpenFeed> {
    const feed = await reader.open({ url: url(), ...source }, signal);
    if (feed.kind !== 'feed') throw new Error('The feed has not changed.');
    return feed;
  }
  async function read(source: Partial<FeedSource> = {}, signal?: AbortSignal): Promise<Reading> {
    const events: FeedEvent[] = [];
    let error: unknown;
    try {
      for await (const event of (await open(source, signal)).events) events.push(event);
    } catch (thrown) {
      error = thrown;
    }
    const items = events.flatMap((event) => (event.kind === 'item' ? [event.item] : []));
    return { events, items, error, last: events.at(-1) };
  }
  const guids = ({ items }: Reading) => items.map(({ guid }) => guid);

  describe('asks as a good guest', () => {
    it('says who it is, takes what is compressed, and wants feeds first', async () => {
      reply(rss(1));
      await read();
      expect(publisher.seen[0]!.headers).toMatchObject({
        'user-agent': 'Holdfast/1.2.3 (+https://holdfast.example.org)',
        'accept-encoding': 'gzip, br, deflate',
        accept: expect.stringMatching(/^application\/atom\+xml, application\/rss\+xml/) as string,
      });
    });

    it('asks again only for what has changed', async () => {
      reply(rss(1), { etag: 'W/"v1"', 'last-modified': 'Tue, 03 Jan 2023 10:00:00 GMT' });
      const { etag, lastModified } = await open();
      expect({ etag, lastModified }).toEqual({
        etag: 'W/"v1"',
        lastModified: 'Tue, 03 Jan 2023 10:00:00 GMT',
      });
      reply('', {}, 304);
      expect(await reader.open({ url: url(), etag, lastModified })).toEqual({ kind: 'not_modified' });
      expect(publisher.seen.at(-1)!.headers).toMatchObject({
        'if-none-match': 'W/"v1"',
        'if-modified-since': 'Tue, 03 Jan 2023 10:00:00 GMT',
      });
    });

    it('keeps the source’s headers from hosts that a redirect leads to', async () => {
      publisher.answer = ({ url: path, headers }, response) => {
        if (path === '/feed')
          response.writeHead(302, { location: `http://localtest:${publisher.port}/moved` }).end();
        else response.end(rss(headers['x-api-key'] === undefined ? 'without-key' : 'with-key'));
      };
      const named = new HttpClient({
        allowAddresses: ['127.0.0.2/32'],
        allowPorts: [publisher.port],
        lookup: (_name, options, callback) =>
          options.all === true
            ? callback(null, [{ address: '127.0.0.2', family: 4 }])
            : callback(null, '127.0.0.2', 4),
      });
      const feed = await new FeedReader(named, 'Holdfast').open({
        url: url(),
        headers: { 'X-Api-Key': 'k' },
      });
      if (feed.kind !== 'feed') throw new Error('The feed has not changed.');
      expect(feed.finalUrl).toBe(`http://localtest:${publisher.port}/moved`);
      const found: string[] = [];
      for await (const event of feed.events) if (event.kind === 'item') found.push(event.item.guid);
      expect(found).toEqual(['item-without-key']);
      named.onApplicationShutdown();
    });
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ])('reads a feed compressed by %s', async (coding, compress) => {
    reply(compress(rss(1, 2)), { 'content-encoding': coding });
    const feed = await open();
    const kinds: string[] = [];
    for await (const { kind } of feed.events) kinds.push(kind);
    expect(kinds).toEqual(['feed', 'item', 'item', 'end']);
    expect(feed.bytes()).toBe(Buffer.byteLength(rss(1, 2)));
  });

  it('serves a real feed as it lies on disk', async () => {
    const file = join(
      __dirname,
      '../../../test/fixtures/feeds/feed-reader@6.1.3/rss-feed-standard-realworld.xml',
    );
    publisher.answer = (_request, response) => void createReadStream(file).pipe(response);
    const reading = await read();
    expect(reading.items).toHaveLength(38);
    expect(reading.last).toEqual({ kind: 'end', items: 38, rejected: 0, next: null });
    expect(readFileSync(file, 'utf8').match(/<item>/g)).toHaveLength(38);
  });

  it('closes the connection when its caller stops reading', async () => {
    let isClosed!: () => void;
    const closed = new Promise<void>((done) => (isClosed = done));
    publisher.answer = (_request, response) => {
      response.once('close', isClosed);
      endless(head, () => item(1)).pipe(response);
    };
    for await (const { kind } of (await open()).events) if (kind === 'item') break;
    await closed;
  });

  it('ends with the reason of its caller', async () => {
    const controller = new AbortController();
    publisher.answer = (_request, response) => {
      response.write(head + item(1).repeat(100));
      controller.abort(new Error('The import was cancelled.'));
    };
    expect((await read({}, controller.signal)).error).toBe(controller.signal.reason);
  });

  describe('F43: the source misbehaves', () => {
    const failed = async (source: Partial<FeedSource> = {}) => {
      const before = process.memoryUsage.rss();
      const reading = await read(source);
      const grownBytes = process.memoryUsage.rss() - before;
      expect(grownBytes).toBeLessThan(150 * megabyte);
      expect(reading.error).toBeInstanceOf(FeedUnavailableError);
      const { code, isRetryable, message } = reading.error as FeedUnavailableError;
      process.stdout.write(`F43 ${code} retry=${isRetryable} items=${reading.items.length}\n`);
      expect(message).not.toMatch(/feed|secret/);
      return { ...reading, error: reading.error as FeedUnavailableError };
    };

    it.each<[number, Record<string, string>, Partial<FeedUnavailableError>]>([
      [400, {}, { code: 'request_refused', isRetryable: false }],
      [401, {}, { code: 'unauthorized', isRetryable: false }],
      [404, {}, { code: 'not_found', isRetryable: false }],
      [410, {}, { code: 'gone', isRetryable: false }],
      [429, { 'retry-after': '7' }, { code: 'rate_limited', isRetryable: true, retryAfterMs: 7_000 }],
      [500, {}, { code: 'server_error', isRetryable: true }],
      [503, { 'retry-after': '120' }, { code: 'server_error', isRetryable: true, retryAfterMs: 120_000 }],
      [522, {}, { code: 'server_error', isRetryable: true }],
    ])('answers %i', async (status, headers, expected) => {
      reply('secret words of the source', headers, status);
      expect((await failed()).error).toMatchObject(expected);
    });

    it.each<[string, Answer]>([
      ['never answers', () => undefined],
      ['stops in the middle', (_request, response) => void response.write(head + item(1))],
    ])('%s', async (_what, answer) => {
      publisher.answer = answer;
      const { error } = await failed({ idleTimeoutMs: 200 });
      expect(error).toMatchObject({ code: 'timeout', isRetryable: true });
    });

    it('sends a byte now and then, for ever', async () => {
      publisher.answer = (_request, response) => {
        response.write(head);
        const drip = setInterval(() => response.write(' '), 20);
        response.once('close', () => clearInterval(drip));
      };
      const { error } = await failed({ timeoutMs: 500 });
      expect(error).toMatchObject({ code: 'timeout', isRetryable: true });
    });

    it('closes the connection in the middle; the items before are kept', async () => {
      publisher.answer = (_request, response) => {
        response.write(head + item('x').repeat(1_000), () => response.destroy());
      };
      const { error, items } = await failed();
      expect(error).toMatchObject({ code: 'connection_failed', isRetryable: true });
      expect(items.length).toBeGreaterThan(100);
    });

    it('declares a gigabyte', async () => {
      publisher.answer = (_request, response) =>
        void response.writeHead(200, { 'content-length': 1e9 }).write(rss(1));
      expect((await failed()).error).toMatchObject({ code: 'too_large', isRetryable: false });
    });

    it('sends a gigabyte of items: what fits is delivered, and no more of it is taken', async () => {
      let sentBytes = 0;
      publisher.answer = (request, response) => {
        const many = item('x').repeat(100);
        const body = endless(head, () => {
          sentBytes = request.socket.bytesWritten;
          return many;
        });
        body.pipe(response);
      };
      const maxBytes = 24 * megabyte;
      const { error, items } = await failed({ limits: { maxBytes } });
      expect(error).toMatchObject({ code: 'too_large', isRetryable: false });
      expect(items.length * item('x').length).toBeGreaterThan(maxBytes - megabyte);
      // What lies in the buffers of both sockets comes on top.
      expect(sentBytes).toBeLessThan(maxBytes + 16 * megabyte);
    });

    it('takes no more from the source than its reader wants', async () => {
      let sentBytes = 0;
      publisher.answer = (request, response) => {
        endless(head, () => {
          sentBytes = request.socket.bytesWritten;
          return item('x').repeat(100);
        }).pipe(response);
      };
      const feed = await open();
      let items = 0;
      let aheadBytes = 0;
      for await (const { kind } of feed.events) {
        if (kind === 'item' && ++items === 20_000) break;
        // A turn for the source, which would run away without a brake.
        if (items % 20 === 0) await setImmediate();
        aheadBytes = Math.max(aheadBytes, sentBytes - feed.bytes());
      }
      expect(items).toBe(20_000);
      expect(aheadBytes).toBeLessThan(8 * megabyte);
    });

    it.each([
      ['spaces', ' '.repeat(64 * 1024)],
      ['items', item('x').repeat(200)],
    ])('sends a gzip bomb of %s', async (_what, more) => {
      publisher.answer = (_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        endless(head, () => more)
          .pipe(createGzip())
          .pipe(response);
      };
      const { error } = await failed();
      expect(error).toMatchObject({ code: 'compression_bomb', isRetryable: false });
    });

    it('sends a text without an end', async () => {
      publisher.answer = (_request, response) => {
        endless(`${head}<item><title>`, () => 'x'.repeat(64 * 1024)).pipe(response);
      };
      const { error, items } = await failed({ limits: { maxBytes: 24 * megabyte } });
      expect(error).toMatchObject({ code: 'too_large' });
      expect(items).toEqual([]);
    });

    it.each([
      'http://127.0.0.1:{port}/',
      'http://10.0.0.1/',
      'http://[::1]/',
      'http://169.254.169.254/latest/',
    ])('redirects to %s', async (target) => {
      const location = target.replace('{port}', String(canary.port));
      reply('', { location }, 302);
      expect((await failed()).error).toMatchObject({ code: 'address_refused', isRetryable: false });
      expect(canary.connections).toBe(0);
    });

    it.each(['file:///etc/passwd', 'ftp://example.org/feed', 'http://user:password@example.org/'])(
      'redirects to %s',
      async (location) => {
        reply('', { location }, 302);
        expect((await failed()).error).toMatchObject({ code: 'redirect_refused', isRetryable: false });
      },
    );

    it('redirects in a circle', async () => {
      reply('', { location: '/feed' }, 302);
      expect((await failed()).error).toMatchObject({ code: 'redirect_refused', isRetryable: false });
    });

    it('sends an entity bomb, which is refused before anything grows', async () => {
      const entities = Array.from(
        { length: 30 },
        (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`,
      ).join('');
      reply(`<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">${entities}]>
        <rss version="2.0"><channel><item><title>&l30;</title></item></channel></rss>`);
      const before = process.memoryUsage.rss();
      const { events, error } = await read();
      expect(error).toBeUndefined();
      expect(events).toEqual([
        { kind: 'broken', reason: 'entities_declared', detail: expect.any(String) as string },
      ]);
      expect(process.memoryUsage.rss() - before).toBeLessThan(50 * megabyte);
      process.stdout.write('F43 entities_declared items=0\n');
    });

    it.each([
      ['an address that is none', { url: 'no address' }],
      ['a header that would end the request', { headers: { 'x-key': 'a\r\nb: c' } }],
      ['a header of the client’s own', { headers: { host: 'example.org' } }],
    ])('is declared with %s', async (_what, source) => {
      expect((await failed(source)).error).toMatchObject({ code: 'request_invalid', isRetryable: false });
      expect(publisher.seen).toEqual([]);
    });
  });

  describe('reads a source of several pages', () => {
    const mapping = { list: '/jobs', guid: '/id' };
    const jobs = (...ids: number[]) => ids.map((id) => ({ id }));
    /** Answers with the page whose path and query are asked for. */
    const pages = (answers: Record<string, [body: object | string, headers?: Record<string, string>]>) => {
      publisher.answer = ({ url: path = '' }, response) => {
        const [body, headers = {}] = answers[path] ?? ['', {}];
        response
          .writeHead(body === '' ? 404 : 200, headers)
          .end(typeof body === 'string' ? body : JSON.stringify(body));
      };
    };
    const ways: [string, FeedPagingDto, Parameters<typeof pages>[0]][] = [
      [
        'a Link header',
        { by: 'link-header' },
        {
          '/feed': [{ jobs: jobs(1, 2) }, { link: '</feed?p=2>; rel="next", </feed?p=9>; rel="last"' }],
          '/feed?p=2': [{ jobs: jobs(3) }],
        },
      ],
      [
        'a cursor in the body',
        { by: 'cursor', path: '/meta/next', parameter: 'after' },
        {
          '/feed': [{ meta: { next: 'a&b=c' }, jobs: jobs(1, 2) }],
          '/feed?after=a%26b%3Dc': [{ jobs: jobs(3), meta: { next: null } }],
        },
      ],
      [
        'a cursor that stays the same at the end',
        { by: 'cursor', path: '/next', parameter: 'after' },
        {
          '/feed': [{ jobs: jobs(1, 2), next: 7 }],
          '/feed?after=7': [{ jobs: jobs(3), next: 7 }],
        },
      ],
      [
        'an address in the body',
        { by: 'next-url', path: '/next' },
        {
          '/feed': [{ jobs: jobs(1, 2), next: '/feed/2' }],
          '/feed/2': [{ jobs: jobs(3), next: '' }],
        },
      ],
      [
        'page numbers until a page is empty',
        { by: 'page', parameter: 'page' },
        {
          '/feed': [{ jobs: jobs(1, 2) }],
          '/feed?page=2': [{ jobs: jobs(3) }],
          '/feed?page=3': [{ jobs: [] }],
        },
      ],
      [
        'page numbers until a page repeats',
        { by: 'page', parameter: 'page', firstPage: 0 },
        {
          '/feed': [{ jobs: jobs(1, 2) }],
          '/feed?page=1': [{ jobs: jobs(3) }],
          '/feed?page=2': [{ jobs: jobs(3) }],
        },
      ],
    ];

    it.each(ways)('by %s', async (_what, paging, answers) => {
      pages(answers);
      const reading = await read({ mapping, paging });
      expect(reading.error).toBeUndefined();
      expect([...new Set(guids(reading))]).toEqual(['1', '2', '3']);
      expect(reading.items.map(({ position }) => position)).toEqual(reading.items.map((_, at) => at + 1));
      expect(reading.events.filter(({ kind }) => kind === 'feed')).toHaveLength(1);
      expect(reading.last).toMatchObject({ kind: 'end', items: reading.items.length });
    });

    it.each([
      [
        'JSON Feed',
        '{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"ID"}],"next_url":"/feed/2"}',
      ],
      [
        'Atom',
        '<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="/feed/2"/><entry><id>ID</id></entry></feed>',
      ],
    ])('by what a %s says itself', async (_format, document) => {
      pages({
        '/feed': [document.replace('ID', 'a')],
        '/feed/2': [document.replace('ID', 'b').replace('/feed/2', '')],
      });
      expect(guids(await read({ paging: { by: 'document' } }))).toEqual(['a', 'b']);
    });

    it('never more than declared', async () => {
      publisher.answer = ({ url: path = '' }, response) => {
        const page = Number(path.split('=')[1] ?? 1);
        response.end(JSON.stringify({ jobs: jobs(page), next: page + 1 }));
      };
      const paging: FeedPagingDto = { by: 'cursor', path: '/next', parameter: 'page', maxPages: 3 };
      const reading = await read({ mapping, paging });
      expect(guids(reading)).toEqual(['1', '2', '3']);
      expect(reading.last).toMatchObject({ kind: 'broken', reason: 'too_many_pages' });
      const few = await read({ mapping, paging, limits: { maxItems: 2 } });
      expect(few.last).toMatchObject({ kind: 'broken', reason: 'too_many_items' });
      expect(guids(few)).toEqual(['1', '2']);
    });

    it('from its own host only, unless another one is declared', async () => {
      const elsewhere = `http://127.0.0.1:${canary.port}/`;
      pages({ '/feed': [{ jobs: jobs(1), next: elsewhere }] });
      const paging: FeedPagingDto = { by: 'next-url', path: '/next' };
      const reading = await read({ mapping, paging });
      expect(guids(reading)).toEqual(['1']);
      expect(reading.error).toMatchObject({ code: 'paging_refused', isRetryable: false });
      expect(canary.connections).toBe(0);
      const declared = { ...paging, otherHosts: [`127.0.0.1:${canary.port}`] };
      expect((await read({ mapping, paging: declared })).error).toMatchObject({ code: 'address_refused' });
    });

    it('and keeps what came before a page that fails', async () => {
      pages({ '/feed': [{ jobs: jobs(1), next: '/feed/2' }] });
      const reading = await read({ mapping, paging: { by: 'next-url', path: '/next' } });
      expect(guids(reading)).toEqual(['1']);
      expect(reading.error).toMatchObject({ code: 'not_found' });
    });
  });
});
