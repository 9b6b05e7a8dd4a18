import { Queue } from 'bullmq';
import { eventually } from '../support/eventually';
import { FeedServer, itemsOf, rssOf } from '../support/feed-server';
import type { ApiClient } from './api-client';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

// The whole of the issue: TURNS_ITEMS=100000 npm test -- test/faults/source-turns. With fewer than these, a worker that
// the machine stops for a second or two in the middle of a batch lets the other one store a tenth meanwhile.
const many = Number(process.env['TURNS_ITEMS'] ?? 50_000);
const MAX = 40;
const DURATION_MS = 1_000;
const QUEUE = 'job_import_queue';

describe('two sources and two workers', () => {
  const scene = new FaultScene();
  let feeds: FeedServer;
  let api: ApiClient;

  beforeAll(async () => {
    feeds = await FeedServer.start();
    await scene.open();
    const settings = {
      LOG_LEVEL: 'warn',
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: String(feeds.port),
      WORKER_FLUSH_MS: '200',
      // So that Redis still has them when their starts are counted.
      QUEUE_REMOVE_ON_COMPLETE: `${QUEUE}=100000`,
    };
    ({ api } = await scene.start({ ...settings, ROLE: 'api' }));
    await Promise.all([
      scene.start({ ...settings, ROLE: 'worker' }),
      scene.start({ ...settings, ROLE: 'worker' }),
    ]);
  });
  afterAll(async () => {
    await scene.close();
    await feeds.close();
  });

  const start = async (body: object) =>
    `/api/imports/${String((await api.call('POST', '/api/imports/start', body)).body['importId'])}`;
  const totals = async (path: string) => {
    const { body } = await api.get(path);
    return { status: body['status'], ...(body['totals'] as Record<string, number>) } as Record<
      string,
      unknown
    >;
  };
  const created = async (path: string) => Number((await totals(path))['created']);

  /** When the jobs of each source began, as Redis has them for a minute. */
  const startsOf = async (names: readonly string[]) => {
    const queue = new Queue(QUEUE, { connection: { url: scene.redis.url } });
    try {
      const jobs = await queue.getCompleted(0, -1);
      return new Map(
        names.map((name) => [
          name,
          jobs
            .filter(({ data }) => (data as { source: string }).source === name)
            .map(({ processedOn }) => processedOn ?? 0),
        ]),
      );
    } finally {
      await queue.close();
    }
  };

  it('lets a small source through that comes after a large one', async () => {
    const large = await start({ url: feeds.feed('/large.xml', rssOf(itemsOf(many, 'large'))) });
    await eventually(async () => expect(await created(large)).toBeGreaterThan(0), 60_000);
    const small = await start({ url: feeds.feed('/small.xml', rssOf(itemsOf(10, 'small'))) });
    await eventually(async () => expect(await totals(small)).toMatchObject({ status: 'completed' }), 60_000);
    const [before] = await query<{ before: number }>(
      scene.databaseUrl,
      `SELECT count(*)::int AS before FROM feed_items WHERE source LIKE '%/large.xml' AND created_at <=
         (SELECT max(created_at) FROM feed_items WHERE source LIKE '%/small.xml')`,
    );
    const [first] = await query<{ first: number }>(
      scene.databaseUrl,
      `SELECT count(*)::int AS first FROM feed_items WHERE source LIKE '%/large.xml' AND created_at <=
         (SELECT min(created_at) FROM feed_items WHERE source LIKE '%/small.xml')`,
    );
    process.stdout.write(
      `SOURCE-TURNS large=${many} storedBeforeSmall=${first!.first} storedWithSmall=${before!.before}\n`,
    );
    // From the moment at which the small one is there, it needs no more than a tenth of the large one's time.
    expect(before!.before - first!.first).toBeLessThan(many / 10);
    await eventually(async () => expect(await totals(large)).toMatchObject({ status: 'completed' }), 300_000);
  }, 400_000);

  it('keeps each source at its own rate, whoever works on it', async () => {
    const names = ['one', 'two'];
    for (const name of names) {
      const url = feeds.feed(`/${name}.xml`, rssOf(itemsOf(MAX * 6, name)));
      const rate = { max: MAX, durationMs: DURATION_MS };
      expect((await api.call('POST', '/api/sources', { name, url, rate })).status).toBe(201);
    }
    const path = await start({ sources: names });
    await eventually(async () => expect(await totals(path)).toMatchObject({ status: 'completed' }), 60_000);
    const starts = await startsOf(names);
    for (const name of names) {
      const times = starts.get(name)!.toSorted((a, b) => a - b);
      expect(times).toHaveLength(MAX * 6);
      const seconds = (times.at(-1)! - times[0]!) / 1_000;
      const perSecond = (times.length - 1) / seconds;
      process.stdout.write(
        `SOURCE-RATE source=${name} starts=${times.length} perSecond=${perSecond.toFixed(2)}\n`,
      );
      expect(perSecond).toBeLessThanOrEqual(MAX * 1.05);
      // How far below it falls is the machine's: 0.96 on a busy one.
      expect(perSecond).toBeGreaterThan(MAX * 0.5);
    }
  }, 120_000);
});
