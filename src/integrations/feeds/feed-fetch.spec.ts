import { setImmediate } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { endless, FeedReaderScene, type Answer, news } from '../../../test/support/feed-reader-scene';
import type { FeedSource } from './feed-source';
import { FeedUnavailableError } from './feed-unavailable.error';

const megabyte = 1024 * 1024;
const { head, item, rss } = news;

describe('the feed reader', () => {
  const scene = new FeedReaderScene();
  const { publisher, canary, reply, openFeed, read } = scene;

  beforeAll(() => scene.open());
  afterAll(() => scene.close());
  beforeEach(() => scene.forget());

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
      const feed = await openFeed();
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
});
