import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { endless, FeedReaderScene, news } from '../../../test/support/feed-reader-scene';
import { HttpClient } from '../../platform/http-client/http-client.service';
import { FeedReader } from './feed-reader.service';

const { head, item, rss } = news;

describe('the feed reader', () => {
  const scene = new FeedReaderScene();
  const { publisher, url, reply, openFeed, read } = scene;

  beforeAll(() => scene.open());
  afterAll(() => scene.close());
  beforeEach(() => scene.forget());

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
      const { etag, lastModified } = await openFeed();
      expect({ etag, lastModified }).toEqual({
        etag: 'W/"v1"',
        lastModified: 'Tue, 03 Jan 2023 10:00:00 GMT',
      });
      reply('', {}, 304);
      expect(await scene.reader.open({ url: url(), etag, lastModified })).toEqual({ kind: 'not_modified' });
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
    const feed = await openFeed();
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
    for await (const { kind } of (await openFeed()).events) if (kind === 'item') break;
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
});
