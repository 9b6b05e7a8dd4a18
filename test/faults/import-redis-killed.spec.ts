import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { FeedServer, itemsOf, rssOf } from '../support/feed-server';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

const items = 6_000;
const outageMs = 8_000;
// What a fetch has in hand beside the chunk whose jobs wait for Redis: one staged behind it, one read.
const chunkItems = 250;

describe('Redis is killed while a feed is read, and comes back', () => {
  const scene = new FaultScene();
  let feeds: FeedServer;

  beforeAll(async () => {
    feeds = await FeedServer.start();
    await scene.open();
  }, 120_000);
  afterAll(async () => {
    await scene.close();
    await feeds.close();
  });

  const count = async (text: string) => (await query<{ n: number }>(scene.databaseUrl, text))[0]!.n;
  const staged = () => count('SELECT count(*)::int AS n FROM import_items');

  it('reads on only as far as it may, and then stores every item once', async () => {
    const { api } = await scene.start({
      LOG_LEVEL: 'warn',
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: String(feeds.port),
      WORKER_FLUSH_MS: '200',
    });
    const text = rssOf(itemsOf(items));
    const half = text.indexOf('<item>', text.length / 2);
    const rest = new Promise<() => void>((resolve) => {
      feeds.on('/feed.xml', (_request, reply) => {
        reply.writeHead(200, { 'content-type': 'application/rss+xml' });
        reply.write(text.slice(0, half));
        resolve(() => reply.end(text.slice(half)));
      });
    });
    const { body } = await api.call('POST', '/api/imports/start', { url: `${feeds.url}/feed.xml` });
    const path = `/api/imports/${String(body['importId'])}`;
    const sendRest = await rest;
    await eventually(async () => expect(await staged()).toBeGreaterThan(items / 2 - 2 * chunkItems), 30_000);
    const before = await staged();
    await scene.redis.kill();
    sendRest();
    await eventually(async () => expect(await staged()).toBeGreaterThan(before), 30_000);
    await pause(outageMs);
    // The database is there and the feed is, but rows without jobs do not pile up.
    expect(await staged()).toBeLessThanOrEqual(before + 3 * chunkItems);
    await scene.redis.start();
    await eventually(async () => expect((await api.get(path)).body['status']).toBe('completed'), 90_000);
    expect((await api.get(path)).body['totals']).toMatchObject({
      offered: items,
      enqueued: items,
      created: items,
      failed: 0,
    });
    expect(await count('SELECT count(*)::int AS n FROM feed_items')).toBe(items);
    expect(await count('SELECT count(*)::int AS n FROM dead_letters')).toBe(0);
  }, 240_000);
});
