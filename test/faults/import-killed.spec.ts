import { Queue } from 'bullmq';
import { compilePrograms, type CompiledPrograms } from '../support/compile-programs';
import { eventually } from '../support/eventually';
import { FeedServer, itemsOf, rssOf } from '../support/feed-server';
import type { ApiClient } from './api-client';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

// The whole of the issue: IMPORT_KILLS=20 IMPORT_ITEMS=40000 npm test -- test/faults/import-killed
const kills = Number(process.env['IMPORT_KILLS'] ?? 3);
const items = Number(process.env['IMPORT_ITEMS'] ?? 6_000);

describe('a worker that is killed in the middle of an import, again and again', () => {
  const scene = new FaultScene();
  let feeds: FeedServer;
  let api: ApiClient;
  let programs: CompiledPrograms | undefined;
  let settings: Record<string, string>;

  beforeAll(async () => {
    feeds = await FeedServer.start();
    await scene.open();
    settings = {
      LOG_LEVEL: 'warn',
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: String(feeds.port),
      WORKER_FLUSH_MS: '500',
    };
    ({ api } = await scene.start({ ...settings, ROLE: 'api' }));
  });
  afterAll(async () => {
    await scene.close();
    programs?.remove();
    await feeds.close();
  });

  const count = async (text: string, ...values: unknown[]) => {
    const [row] = await query<{ n: number }>(
      scene.databaseUrl,
      `SELECT count(*)::int AS n FROM ${text}`,
      values,
    );
    return row?.n ?? 0;
  };

  it('stores every item once, and completes none that is not stored', async () => {
    const broken = '<item><title></title></item>';
    const url = feeds.feed('/feed.xml', rssOf(itemsOf(items)).replace('</channel>', `${broken}</channel>`));
    const { body } = await api.call('POST', '/api/imports/start', { url });
    const path = `/api/imports/${String(body['importId'])}`;
    const totals = async () => {
      const found = await api.get(path);
      return { counts: found.body['totals'] as Record<string, number>, status: found.body['status'] };
    };
    const stored = () => count('feed_items WHERE source = $1', url);
    const job = 'job_import_queue';
    let falselyDone = 0;
    for (let killed = 0; killed < kills; killed += 1) {
      const { server } = await scene.start({ ...settings, ROLE: 'worker' });
      const enough = Math.floor((items * (killed + 0.5)) / (kills + 1));
      await eventually(async () => expect(await stored()).toBeGreaterThanOrEqual(enough), 60_000);
      await server.kill();
      // What Redis calls done has to be in the table: those that it has removed meanwhile were done as well.
      const queue = new Queue(job, { connection: { url: scene.redis.url }, prefix: 'bull' });
      const done = await queue.getCompleted(0, 10_000);
      const guids = done.map(({ data }) => (data as { guid: string }).guid);
      falselyDone +=
        guids.length - (await count('feed_items WHERE source = $1 AND guid = ANY($2)', url, guids));
      await queue.close();
    }
    await scene.start({ ...settings, ROLE: 'worker' });
    await eventually(async () => expect((await totals()).status).toBe('completed'), 120_000);
    const { offered = 0, rejected = 0, created = 0, enqueued = 0, failed } = (await totals()).counts;
    const rows = await stored();
    process.stdout.write(
      `IMPORT-KILLED kills=${kills} offered=${offered} rejected=${rejected} enqueued=${enqueued} created=${created} ` +
        `stored=${rows} falselyDone=${falselyDone}\n`,
    );
    expect(rows).toBe(items);
    expect([enqueued, created, failed]).toEqual([items, items, 0]);
    expect(offered - rejected).toBe(items);
    expect(falselyDone).toBe(0);
  }, 600_000);

  it('loses items where a job is done once it is in a buffer', async () => {
    programs = compilePrograms('test/faults/feeds');
    const program = programs.program('naive-importer');
    const queue = new Queue('naive-import', { connection: { url: scene.redis.url } });
    const total = 160;
    await queue.addBulk(itemsOf(total).map(({ guid }) => ({ name: guid, data: { source: 'naive', guid } })));
    const first = await scene.start({}, program);
    await eventually(async () => expect(await queue.getCompletedCount()).toBeGreaterThan(20), 20_000);
    await first.server.kill();
    await scene.start({ FLUSH_MS: '200' }, program);
    await eventually(async () => {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed');
      expect(counts).toEqual({ waiting: 0, active: 0, delayed: 0 });
    }, 30_000);
    await queue.close();
    await eventually(async () => expect(await count('naive_items')).toBeGreaterThan(0), 10_000);
    const rows = await count('naive_items');
    process.stdout.write(`IMPORT-KILLED naive offered=${total} stored=${rows}\n`);
    expect(rows).toBeLessThan(total);
  }, 120_000);
});
