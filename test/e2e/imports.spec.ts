import { sql } from 'drizzle-orm';
import { Database } from '../../src/platform/database/database.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { ImportCleaner } from '../../src/workloads/feeds/import-cleaner.service';
import { ImportReconciler } from '../../src/workloads/feeds/import-reconciler.service';
import { SourceScheduleRunner } from '../../src/workloads/feeds/source-schedule.service';
import { Follower } from '../support/event-follower';
import { eventually } from '../support/eventually';
import { FeedServer, itemsOf, rssOf } from '../support/feed-server';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-imports-spec';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, never> & Record<string, unknown>;
}

describe('imports of feeds', () => {
  let server: TestServer;
  let feeds: FeedServer;

  beforeAll(async () => {
    feeds = await FeedServer.start();
    server = await startTestServer({
      HOLDFAST_BOOTSTRAP_KEY: KEY,
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: `80,443,${feeds.port}`,
      FILE_LINK_REQUESTS_PER_MINUTE: '0',
      WORKER_FLUSH_MS: '500',
    });
  });
  afterAll(async () => {
    await server.close();
    await feeds.close();
  });

  const call = async (method: string, path: string, body?: object, headers: object = {}): Promise<Answer> => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
  };
  const start = (body?: object) => call('POST', '/api/imports/start', body);
  const ended = async (id: unknown, status = 'completed') => {
    let found: Answer['body'] = {};
    await eventually(async () => {
      found = (await call('GET', `/api/imports/${String(id)}`)).body;
      expect(found).toMatchObject({ status });
    }, 20_000);
    return found;
  };
  const counts = (found: Answer['body']) => found['totals'] as unknown as Record<string, number>;
  const search = async (query: string) =>
    (await call('GET', `/api/items?${query}`)).body['items'] as unknown as {
      key: string;
      guid: string;
      title: string;
    }[];
  const query = async (statement: ReturnType<typeof sql>) =>
    (await server.app.get(Database).query.execute(statement)).rows;

  it('stores each item of an address once, and nothing when nothing is new', async () => {
    const url = feeds.feed('/once.xml', rssOf(itemsOf(250)));
    const first = await start({ url });
    expect(first.status).toBe(202);
    expect(first.headers.get('location')).toBe(`/api/imports/${String(first.body['importId'])}`);
    expect(first.body).toMatchObject({ source: url, enqueued: expect.any(Number), duplicates: 0 });
    const done = await ended(first.body['importId']);
    expect(counts(done)).toMatchObject({ offered: 250, enqueued: 250, created: 250, skipped: 0, failed: 0 });
    expect(done['sources']).toMatchObject([{ source: url, format: 'rss-2.0', title: 'A feed', error: null }]);
    const stored = () =>
      query(sql`SELECT updated_at, xmin FROM feed_items WHERE source = ${url} ORDER BY key`);
    const before = await stored();
    expect(before).toHaveLength(250);

    const second = await ended((await start({ url })).body['importId']);
    expect(counts(second)).toMatchObject({ offered: 250, skipped: 250, enqueued: 0, created: 0 });
    expect(await stored()).toEqual(before);

    const changed = itemsOf(251).map((item, at) => (at === 7 ? { ...item, title: 'Another title' } : item));
    feeds.feed('/once.xml', rssOf(changed));
    const third = await ended((await start({ url })).body['importId']);
    expect(counts(third)).toMatchObject({ offered: 251, skipped: 249, enqueued: 2, created: 1, updated: 1 });
    const [item] = await search(`source=${encodeURIComponent(url)}&q=another`);
    expect(item).toMatchObject({ guid: 'item-7', title: 'Another title' });
    const whole = (await call('GET', `/api/items/${item!.key}`)).body;
    expect(whole['document']).toMatchObject({ guid: 'item-7', guidFrom: 'guid' });
  });

  it('lists items page by page, each once, and refuses a cursor of another list', async () => {
    const url = feeds.feed('/pages.xml', rssOf(itemsOf(25)));
    await ended((await start({ url })).body['importId']);
    const seen: string[] = [];
    const first = `/api/items?source=${encodeURIComponent(url)}&limit=10`;
    for (let path: string | undefined = first; path !== undefined;) {
      const { body, headers } = await call('GET', path);
      seen.push(...(body['items'] as unknown as { guid: string }[]).map(({ guid }) => guid));
      path = /^<(.+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
    }
    expect(seen.toSorted()).toEqual(
      itemsOf(25)
        .map(({ guid }) => guid)
        .toSorted(),
    );
    for (const place of ['1', `x ${'k'.repeat(22)}`, `1 ${'k'.repeat(21)}'`]) {
      const cursor = Buffer.from(JSON.stringify([1, place])).toString('base64url');
      expect(await call('GET', `${first}&cursor=${cursor}`)).toMatchObject({
        status: 400,
        body: { code: 'cursor_invalid' },
      });
    }
  });

  it('takes items that come with the request, whatever they are called, and says what became of each', async () => {
    const source = 'pushed';
    const items = [
      { guid: 'a', title: 'First', salary: 100, tags: ['x', 'y'] },
      { guid: 'b', title: 'Second' },
      { guid: 'b', title: 'Second again' },
      { title: 'Without an id', link: 'https://example.org/no-id' },
    ];
    const started = await start({ source, items });
    expect(started.status).toBe(202);
    expect(started.body).toMatchObject({ source, enqueued: 3, duplicates: 1 });
    const id = started.body['importId'];
    await ended(id);
    const { items: told } = (await call('GET', `/api/imports/${String(id)}/items`)).body as unknown as {
      items: { guid: string; outcome: string; jobId: string }[];
    };
    expect(told.map(({ guid, outcome }) => `${guid} ${outcome}`).toSorted()).toEqual([
      'a created',
      'b created',
      'https://example.org/no-id created',
    ]);
    const [found] = await search('source=pushed&q=first');
    const { document } = (await call('GET', `/api/items/${found!.key}`)).body as unknown as {
      document: object;
    };
    expect(document).toMatchObject({ title: 'First', fields: { salary: 100, tags: ['x', 'y'] } });
    // The job's key is what document 003 says it is.
    const job = told.find(({ guid }) => guid === 'a')!;
    await eventually(async () => {
      expect((await call('GET', `/api/queue/jobs/${job.jobId}`)).body).toMatchObject({
        key: 'pushed#a',
        type: 'import-item',
        state: 'completed',
      });
    }, 10_000);
    const again = await start({ source, items });
    expect(again.body).toMatchObject({ enqueued: 0 });
    await ended(again.body['importId']);
  });

  it('starts nothing that it cannot read, and names the field', async () => {
    const cases: [object, number, string, string?][] = [
      [{ url: 'ftp://example.org/feed' }, 422, 'validation_failed', '#/url'],
      [
        { url: 'https://example.org/feed', items: [{ guid: 'x' }], source: 'x' },
        422,
        'validation_failed',
        '#/items',
      ],
      [{ items: [{ guid: 'x' }] }, 422, 'validation_failed', '#/source'],
      [{ items: [], source: 'x' }, 422, 'validation_failed', '#/items'],
      [{ source: 'nobody knows it' }, 404, 'source_not_found'],
      [{ sources: ['a'], url: 'https://example.org' }, 422, 'validation_failed', '#/sources'],
      [{ uri: 'https://example.org' }, 400, 'unknown_field'],
      [
        { url: 'https://example.org/x', mapping: { list: 'items' } },
        422,
        'validation_failed',
        '#/mapping/list',
      ],
    ];
    for (const [body, status, code, pointer] of cases) {
      const answer = await start(body);
      expect([answer.status, answer.body['code']]).toEqual([status, code]);
      if (pointer !== undefined) expect(answer.body['errors']).toMatchObject([{ pointer }]);
    }
    expect((await call('GET', '/api/imports/none')).status).toBe(404);
  });

  it('refuses a source that is being imported, and cancels it, jobs and all', async () => {
    let answer: () => void = () => undefined;
    const url = feeds.on('/slow.xml', (_request, reply) => {
      answer = () => reply.writeHead(200, { 'content-type': 'application/rss+xml' }).end(rssOf(itemsOf(3)));
    });
    const first = await start({ url });
    const second = await start({ url });
    expect([second.status, second.body['code']]).toEqual([409, 'import_running']);
    const id = String(first.body['importId']);
    await eventually(async () => {
      expect((await call('GET', `/api/imports/${id}`)).body).toMatchObject({ status: 'fetching' });
    }, 10_000);
    const cancelled = await call('POST', `/api/imports/${id}/cancel`);
    expect([cancelled.status, cancelled.body['status']]).toEqual([202, 'cancelled']);
    expect((await call('POST', `/api/imports/${id}/cancel`)).body).toMatchObject({ code: 'import_over' });
    answer();
    await eventually(async () => {
      const { queue } = server.app.get(QueueRegistry).get('feed-fetch')!;
      expect(await queue.getActiveCount()).toBe(0);
    }, 10_000);
    expect(await query(sql`SELECT * FROM feed_items WHERE source = ${url}`)).toEqual([]);
    expect(counts((await call('GET', `/api/imports/${id}`)).body)).toMatchObject({ enqueued: 0 });
  });

  it('takes waiting items of a cancelled import out of their queue', async () => {
    const { queue } = server.app.get(QueueRegistry).get('job_import_queue')!;
    const waiting = () => queue.getPrioritizedCount();
    await queue.pause();
    try {
      const { body } = await start({ source: 'to-cancel', items: [{ guid: 'x' }, { guid: 'y' }] });
      await eventually(async () => expect(await waiting()).toBe(2), 10_000);
      await call('POST', `/api/imports/${String(body['importId'])}/cancel`);
      await server.app.get(ImportReconciler).dropCancelled();
      expect(await waiting()).toBe(0);
    } finally {
      await queue.resume();
    }
    const again = await start({ source: 'to-cancel', items: [{ guid: 'x' }, { guid: 'y' }] });
    expect(counts(await ended(again.body['importId']))).toMatchObject({ enqueued: 2, created: 2 });
  });

  it('stores sources, asks them only for what is new, and hides their secrets', async () => {
    process.env['FEED_SECRET_JOBS_TOKEN'] = 'do not tell';
    const url = feeds.feed('/conditional.xml', rssOf(itemsOf(5)), { etag: '"one"' });
    const wish = {
      name: 'conditional',
      url,
      headers: { authorization: { secret: 'JOBS_TOKEN' }, 'x-plain': 'yes' },
    };
    const made = await call('POST', '/api/sources', wish);
    expect(made.status).toBe(201);
    const path = made.headers.get('location')!;
    expect((await call('POST', '/api/sources', wish)).body).toMatchObject({ code: 'source_name_taken' });
    const missing = { ...wish, name: 'x', headers: { authorization: { secret: 'NOT_THERE' } } };
    expect((await call('POST', '/api/sources', missing)).body['errors']).toMatchObject([
      { pointer: '#/headers', detail: expect.stringContaining('FEED_SECRET_NOT_THERE') },
    ]);
    await ended((await start({ source: 'conditional' })).body['importId']);
    expect(feeds.asked.at(-1)?.headers).toMatchObject({ authorization: 'do not tell', 'x-plain': 'yes' });
    const second = await ended((await start({ sources: ['conditional'] })).body['importId']);
    expect(second['sources']).toMatchObject([{ notModified: true, offered: 0 }]);
    expect(feeds.asked.at(-1)?.headers['if-none-match']).toBe('"one"');
    expect(JSON.stringify((await call('GET', path)).body)).not.toContain('do not tell');

    const tag = (await call('GET', path)).headers.get('etag')!;
    const changed = await call(
      'PATCH',
      path,
      { enabled: false, rate: { max: 5, durationMs: 1_000 } },
      { 'if-match': tag },
    );
    expect(changed.body).toMatchObject({
      enabled: false,
      rate: { max: 5, durationMs: 1_000 },
      name: 'conditional',
    });
    expect((await call('PATCH', path, { enabled: true }, { 'if-match': tag })).body).toMatchObject({
      code: 'source_changed',
    });
    expect((await call('DELETE', `${path}?reason=of a test`)).status).toBe(204);
    expect((await call('GET', path)).body).toMatchObject({ code: 'source_not_found' });
    delete process.env['FEED_SECRET_JOBS_TOKEN'];
  });

  it('imports by a schedule, each turn once, and a missed turn once', async () => {
    const url = feeds.feed('/scheduled.xml', rssOf(itemsOf(2, 'scheduled')));
    const bad = await call('POST', '/api/sources', { url, schedule: '99 * * * *' });
    expect(bad.body['errors']).toMatchObject([{ pointer: '#/schedule' }]);
    const zone = await call('POST', '/api/sources', {
      url,
      schedule: '0 6 * * *',
      timeZone: 'Europe/Nowhere',
    });
    expect(zone.body['errors']).toMatchObject([{ pointer: '#/timeZone' }]);
    const made = await call('POST', '/api/sources', {
      url,
      name: 'scheduled',
      schedule: '*/5 * * * *',
      timeZone: 'Asia/Kolkata',
    });
    expect(Date.parse(String(made.body['nextRunAt']))).toBeGreaterThan(Date.now());
    await query(
      sql`UPDATE feed_sources SET next_run_at = now() - interval '3 hours' WHERE name = 'scheduled'`,
    );
    const runner = server.app.get(SourceScheduleRunner);
    await Promise.all([runner.startDue(), runner.startDue(), runner.startDue()]);
    const mine = async () =>
      query(
        sql`SELECT i.id FROM imports i JOIN import_sources s ON s.import_id = i.id WHERE s.source = 'scheduled'`,
      );
    await eventually(async () => expect(await mine()).toHaveLength(1), 10_000);
    const done = await ended((await mine())[0]!['id']);
    expect(done).toMatchObject({ trigger: 'schedule' });
    expect(counts(done)).toMatchObject({ created: 2 });
    const { body } = await call('GET', made.headers.get('location')!);
    expect(Date.parse(String(body['nextRunAt']))).toBeGreaterThan(Date.now());
  });

  it('tells a reader what happens, from the first snapshot to the end', async () => {
    const url = feeds.feed('/followed.xml', rssOf(itemsOf(30, 'followed')));
    const id = String((await start({ url })).body['importId']);
    const follower = await Follower.open(`${server.url}/api/imports/${id}/events`, {
      authorization: `Bearer ${KEY}`,
    });
    await eventually(() => expect(follower.names()).toContain('end'), 20_000);
    expect(follower.names()[0]).toBe('snapshot');
    const end = follower.events.at(-1)!;
    const after = await fetch(`${server.url}/api/imports/${id}/events`, {
      headers: { authorization: `Bearer ${KEY}`, 'last-event-id': end.id ?? '' },
    });
    expect(after.status).toBe(204);
  });

  it('salvages what a broken document has before its break, and fails what has nothing', async () => {
    const whole = rssOf(itemsOf(10, 'broken'));
    const url = feeds.feed('/broken.xml', whole.slice(0, whole.indexOf('broken-6')));
    const done = await ended((await start({ url })).body['importId']);
    expect(counts(done)).toMatchObject({ created: 6 });
    expect(done['sources']).toMatchObject([{ broken: expect.any(String) }]);
    const page = feeds.feed('/page.html', '<!doctype html><html><body>Not a feed</body></html>', {
      type: 'text/html',
    });
    const failed = await ended((await start({ url: page })).body['importId'], 'failed');
    expect(failed['sources']).toMatchObject([{ error: expect.stringContaining('document_is_html') }]);
    const gone = await ended((await start({ url: `${feeds.url}/gone.xml` })).body['importId'], 'failed');
    expect(gone['sources']).toMatchObject([{ error: expect.stringContaining('not_found') }]);
  });

  it('gives the items of a source as a file, by DATA_EXPORT', async () => {
    const items = [
      { guid: 'x1', title: 'Baker', categories: ['food', 'night'], publishedAt: '2026-01-05T10:00:00Z' },
      { guid: 'x2', title: 'Smith' },
    ];
    await ended((await start({ source: 'exported', items })).body['importId']);
    const filters = { source: 'exported', q: 'baker' };
    const data = {
      exportType: 'csv',
      source: 'feed-items',
      filters,
      columns: ['guid', 'title', 'categories'],
    };
    const answer = await call('POST', '/api/queue/jobs', { type: 'DATA_EXPORT', data });
    expect([answer.status, answer.body['errors']]).toEqual([202, undefined]);
    let job: Answer['body'] = {};
    await eventually(async () => {
      job = (await call('GET', `/api/queue/jobs/${String(answer.body['id'])}`)).body;
      expect([job['state'], job['error']]).toEqual(['completed', undefined]);
    }, 20_000);
    const { links } = job['result'] as unknown as { links: { download: string } };
    const file = await fetch(server.url + links.download, { headers: { authorization: `Bearer ${KEY}` } });
    expect((await file.text()).replace('\ufeff', '').trim().split(/\r?\n/)).toEqual([
      'guid,title,categories',
      'x1,Baker,"food, night"',
    ]);
  });

  it('goes on with a source that has failed, when the dead letter of its fetch is sent back', async () => {
    const url = `${feeds.url}/later.xml`;
    const id = String((await start({ url })).body['importId']);
    await ended(id, 'failed');
    feeds.feed('/later.xml', rssOf(itemsOf(4, 'later')));
    interface Letter {
      readonly jobId: string;
      readonly links: { readonly redrive: string };
    }
    let letter: Letter | undefined;
    await eventually(async () => {
      const { body } = await call('GET', '/api/queue/dead-letters?queue=feed-fetch');
      const { jobId } = (
        (await call('GET', `/api/imports/${id}`)).body['sources'] as unknown as Letter[]
      )[0]!;
      letter = (body['items'] as unknown as Letter[]).find((one) => one.jobId === jobId);
      expect(letter).toBeDefined();
    }, 20_000);
    expect((await call('POST', letter!.links.redrive, { reason: 'the feed is there' })).status).toBe(202);
    expect(counts(await ended(id))).toMatchObject({ offered: 4, created: 4 });
  });

  it('forgets old imports and keeps their items', async () => {
    const { body } = await start({ source: 'old', items: [{ guid: 'old' }] });
    await ended(body['importId']);
    await query(
      sql`UPDATE imports SET created_at = now() - interval '40 days' WHERE id = ${body['importId']}::uuid`,
    );
    await server.app.get(ImportCleaner).removeOld(30);
    expect((await call('GET', `/api/imports/${String(body['importId'])}`)).status).toBe(404);
    expect(await search('source=old')).toHaveLength(1);
  });
});
