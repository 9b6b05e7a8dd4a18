import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { FeedServer, itemsOf, rssOf } from '../support/feed-server';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

const items = 6_000;
// Longer than the three attempts of an item with their waits of 1 and 2 s, had each of them just failed.
const outageMs = 8_000;

describe('PostgreSQL is killed in the middle of an import and comes back', () => {
  const scene = new FaultScene();
  let feeds: FeedServer;

  beforeAll(async () => {
    feeds = await FeedServer.start();
    await scene.open({ isPostgresOwn: true });
  }, 120_000);
  afterAll(async () => {
    await scene.close();
    await feeds.close();
  });

  it('stores every item, and no job of it has failed', async () => {
    const { api } = await scene.start({
      LOG_LEVEL: 'warn',
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: String(feeds.port),
      WORKER_FLUSH_MS: '500',
    });
    const url = feeds.feed('/feed.xml', rssOf(itemsOf(items)), { etag: '"one"' });
    const { body } = await api.call('POST', '/api/imports/start', { url });
    const path = `/api/imports/${String(body['importId'])}`;
    const totals = async () => (await api.get(path)).body['totals'] as Record<string, number> | undefined;
    await eventually(async () => expect((await totals())?.['created']).toBeGreaterThan(200), 30_000);
    await scene.postgres?.kill();
    expect((await api.get(path)).status).toBe(503);
    await pause(outageMs);
    await scene.postgres?.restart();
    await eventually(async () => expect((await api.get(path)).body['status']).toBe('completed'), 90_000);
    expect(await totals()).toMatchObject({ offered: items, enqueued: items, created: items, failed: 0 });
    const [row] = await query<{ n: number }>(
      scene.databaseUrl,
      'SELECT count(*)::int AS n FROM feed_items',
      [],
    );
    expect(row).toEqual({ n: items });
    const [dead] = await query<{ n: number }>(
      scene.databaseUrl,
      'SELECT count(*)::int AS n FROM dead_letters',
      [],
    );
    expect(dead).toEqual({ n: 0 });
  }, 240_000);
});
