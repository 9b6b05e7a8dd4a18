import { sql } from 'drizzle-orm';
import { randomUUID } from 'node:crypto';
import { Database } from '../../src/platform/database/database.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { ImportCancels } from '../../src/workloads/feeds/import-cancels.store';
import { ImportFetches } from '../../src/workloads/feeds/import-fetch.store';
import { ImportOutcomes } from '../../src/workloads/feeds/import-outcomes.store';
import { ImportReconciler } from '../../src/workloads/feeds/import-reconciler.service';
import { eventually } from '../support/eventually';
import { FeedServer, itemsOf, rssOf } from '../support/feed-server';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-adverse-imports-spec';
type Totals = Record<string, number>;
interface Shown {
  readonly importId: string;
  readonly status: string;
  readonly totals: Totals;
  readonly sources: Record<string, unknown>[];
}

/** Whatever an answer may hold. */
interface Answer extends Shown {
  readonly items: readonly { readonly jobId: string }[];
}

describe('imports against the odds', () => {
  let server: TestServer;
  let feeds: FeedServer;

  beforeAll(async () => {
    feeds = await FeedServer.start();
    server = await startTestServer({
      HOLDFAST_BOOTSTRAP_KEY: KEY,
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: `80,443,${feeds.port}`,
      WORKER_FLUSH_MS: '200',
    });
  });
  afterAll(async () => {
    await server.close();
    await feeds.close();
  });

  const call = async (method: string, path: string, body?: object) => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: JSON.parse(text === '' ? '{}' : text) as Answer };
  };
  const start = async (body: object) => (await call('POST', '/api/imports/start', body)).body;
  const shown = async (id: string) => (await call('GET', `/api/imports/${id}`)).body;
  const ended = async (id: string, status = 'completed') => {
    await eventually(async () => expect((await shown(id)).status).toBe(status), 20_000);
    const found = await shown(id);
    const { offered, rejected, skipped, duplicates, enqueued } = found.totals as Record<string, number>;
    expect(offered).toBe(rejected! + skipped! + duplicates! + enqueued!);
    return found;
  };
  const query = async (statement: ReturnType<typeof sql>) =>
    (await server.app.get(Database).query.execute(statement)).rows;
  const cancelJob = (jobId: unknown) =>
    eventually(async () => {
      const { status } = await call('DELETE', `/api/queue/jobs/${String(jobId)}?reason=of+a+test`);
      expect(status).toBeLessThan(300);
    }, 10_000);
  const queueOf = (name: string) => server.app.get(QueueRegistry).get(name)!.queue;
  const whilePaused = async (name: string, work: () => Promise<void>) => {
    await queueOf(name).pause();
    try {
      await work();
    } finally {
      await queueOf(name).resume();
    }
  };

  it('counts what a feed has twice, however far apart', async () => {
    const url = feeds.feed('/twice.xml', rssOf([...itemsOf(600), ...itemsOf(10)]));
    const { totals } = await ended((await start({ url })).importId);
    expect(totals).toMatchObject({ offered: 610, enqueued: 600, duplicates: 10, created: 600 });
  });

  it('counts right when a fetch begins anew and finds another feed', async () => {
    let breakOff: () => void = () => undefined;
    const url = feeds.on('/again.xml', (request, reply) => {
      const count = feeds.asked.filter(({ path }) => path === request.url).length;
      reply.writeHead(200, { 'content-type': 'application/rss+xml', etag: `"${Math.min(count, 3)}"` });
      const items = itemsOf(600, 'again');
      const changed = items.slice(100).map((item) => ({ ...item, title: 'Another title' }));
      breakOff = () => reply.destroy();
      if (count === 1) reply.write(rssOf(items).replace('</channel></rss>', ''));
      else reply.end(rssOf(changed));
    });
    await call('POST', '/api/sources', { name: 'again', url });
    const { importId } = await start({ source: 'again' });
    await eventually(async () => expect((await shown(importId)).totals['created']).toBe(500), 10_000);
    breakOff();
    const first = await ended(importId);
    // The first 500 of its items, and the last 100 of the other feed.
    expect(first.totals).toMatchObject({ offered: 600, enqueued: 600, created: 600, duplicates: 0 });
    // What it had stored in the old version is asked for again.
    const second = await ended((await start({ source: 'again' })).importId);
    expect(second.totals).toMatchObject({ offered: 500, skipped: 100, enqueued: 400, updated: 400 });
  });

  it('keeps the counts of a fetch that is given up', async () => {
    const url = feeds.on('/endless.xml', (_request, reply) => {
      reply.writeHead(200, { 'content-type': 'application/rss+xml' });
      reply.write(rssOf(itemsOf(300, 'endless')).replace('</channel></rss>', ''));
    });
    const { importId, sources } = await start({ url });
    await eventually(async () => expect((await shown(importId)).totals['enqueued']).toBe(250), 10_000);
    await cancelJob(sources[0]!['jobId']);
    const { totals } = await ended(importId, 'failed');
    expect(totals).toMatchObject({ offered: 250, enqueued: 250, created: 250 });
  });

  it('fetches each source of an import, however alike their names begin', async () => {
    const long = 'x'.repeat(300);
    const names = ['one', 'two'].map((name) => `${long} ${name}`);
    for (const name of names) {
      const url = feeds.feed(`/${name.slice(-3)}.xml`, rssOf(itemsOf(2)));
      await call('POST', '/api/sources', { name, url });
    }
    const done = await ended((await start({ sources: names })).importId);
    expect(done.totals).toMatchObject({ created: 4 });
  });

  it('asks for everything again after a cancel, and after an item has failed', async () => {
    const url = feeds.feed('/kept.xml', rssOf(itemsOf(3, 'kept')), { etag: '"kept"' });
    await call('POST', '/api/sources', { name: 'kept', url });
    await whilePaused('job_import_queue', async () => {
      const { importId } = await start({ source: 'kept' });
      await eventually(async () => expect((await shown(importId)).status).toBe('importing'), 10_000);
      await call('POST', `/api/imports/${importId}/cancel`);
      await server.app.get(ImportReconciler).dropCancelled();
      const second = await start({ source: 'kept' });
      await eventually(async () => expect((await shown(second.importId)).status).toBe('importing'), 10_000);
      const { body } = await call('GET', `/api/imports/${second.importId}/items`);
      await cancelJob(body.items[0]!.jobId);
    });
    await eventually(async () => {
      const { importId } = await start({ source: 'kept' });
      expect(importId).toBeDefined();
      expect((await ended(importId)).totals).toMatchObject({ enqueued: 1 });
    }, 15_000);
  });

  it('stores what another import relies on, although its own was cancelled', async () => {
    const source = 'shared';
    await whilePaused('job_import_queue', async () => {
      const first = await start({ source, items: [{ guid: 'a' }, { guid: 'b' }] });
      const second = await start({ source, items: [{ guid: 'b', title: 'newer' }] });
      expect(second.totals ?? second).toMatchObject({ duplicates: 1 });
      await call('POST', `/api/imports/${first.importId}/cancel`);
      await server.app.get(ImportReconciler).dropCancelled();
    });
    await eventually(async () => {
      expect(
        await query(sql`SELECT guid, document ->> 'title' AS title FROM feed_items WHERE source = ${source}`),
      ).toEqual([{ guid: 'b', title: 'newer' }]);
    }, 10_000);
  });

  it('stores an item although an old job has its key', async () => {
    const source = 'key taken';
    await queueOf('job_import_queue').pause();
    const stranger = await call('POST', '/api/queue/jobs', {
      type: 'import-item',
      options: { jobId: `${source}#a` },
      data: { importId: randomUUID(), source, guid: 'a' },
    });
    expect(stranger.status).toBeLessThan(300);
    await queueOf('job_import_queue').resume();
    const { importId } = await start({ source, items: [{ guid: 'a' }] });
    expect((await ended(importId)).totals).toMatchObject({ created: 1, failed: 0 });
  });

  it('takes it as a failure when somebody cancels the job of an item, and never brings it back', async () => {
    await whilePaused('job_import_queue', async () => {
      const { importId } = await start({ source: 'by hand', items: [{ guid: 'a' }, { guid: 'b' }] });
      await eventually(async () => expect((await shown(importId)).status).toBe('importing'), 10_000);
      const { body } = await call('GET', `/api/imports/${importId}/items`);
      for (const { jobId } of body.items) await cancelJob(jobId);
      const { totals } = await ended(importId);
      expect(totals).toMatchObject({ enqueued: 2, failed: 2 });
      await server.app.get(ImportReconciler).reconcile(0);
      const { queue } = server.app.get(QueueRegistry).get('job_import_queue')!;
      expect(await queue.getJob(body.items[0]!.jobId)).toBeUndefined();
    });
  });

  it('lets nobody else fetch for an import', async () => {
    await whilePaused('feed-fetch', async () => {
      const { importId } = await start({ source: 'mine', items: [{ guid: 'a' }] });
      const fetches = server.app.get(ImportFetches);
      expect(await fetches.begin(importId, 'mine', 'feed-fetch_another')).toBeUndefined();
      await fetches.abandon(importId, 'mine', 'feed-fetch_another', 'the test');
      expect((await shown(importId)).status).toBe('queued');
    });
  });

  it('stages, stores and cancels the same items side by side without a deadlock', async () => {
    const source = 'crossed';
    const database = server.app.get(Database);
    const items = Array.from({ length: 400 }, (_none, at) => ({ guid: `g${at}` }));
    await whilePaused('job_import_queue', async () => {
      const ids: string[] = [];
      for (let round = 0; round < 6; round += 1) {
        const shuffled = round % 2 === 0 ? items : items.toReversed();
        const work = [
          start({ source, items: shuffled.map((item) => ({ ...item, title: `a${round}` })) }),
          start({ source, items: shuffled.toReversed().map((item) => ({ ...item, title: `b${round}` })) }),
          ...ids.map((id) => server.app.get(ImportCancels).cancel(id)),
          database.query
            .execute(
              sql`SELECT import_id AS "importId", key FROM import_items WHERE source = ${source} AND outcome = 'queued' ORDER BY random() LIMIT 100`,
            )
            .then(({ rows }) => server.app.get(ImportOutcomes).store(rows as never)),
        ];
        const done = await Promise.allSettled(work);
        expect(done.filter(({ status }) => status === 'rejected')).toEqual([]);
        ids.splice(0, ids.length);
        for (const one of done.slice(0, 2)) {
          const { importId } = (one as PromiseFulfilledResult<Shown>).value;
          expect(importId).toBeDefined();
          ids.push(importId);
        }
      }
    });
  });
});
