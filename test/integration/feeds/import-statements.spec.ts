import { createHash, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { migrate } from '../../../src/platform/database/migrations';
import type { Database } from '../../../src/platform/database/database.service';
import { feedsMigrations } from '../../../src/workloads/feeds/feeds.module';
import { FeedItems, type ItemPosition } from '../../../src/workloads/feeds/feed-items.store';
import { ImportOutcomes } from '../../../src/workloads/feeds/import-outcomes.store';
import { FetchSupersededError, ImportStaging } from '../../../src/workloads/feeds/import-staging.store';
import { itemKeyOf } from '../../../src/workloads/feeds/item-key';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { drizzle } from 'drizzle-orm/node-postgres';

const SOURCE = 'https://feeds.example.org/feed';
const TENANT = 'default';

describe('the statements of imports', () => {
  let testDatabase: TestDatabase;
  let client: Client;
  let staging: ImportStaging;
  let outcomes: ImportOutcomes;
  let found: FeedItems;

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    await migrate(testDatabase.url, [feedsMigrations]);
    client = new Client({ connectionString: testDatabase.url });
    await client.connect();
    // One connection, which keeps its plans.
    const database = {
      query: drizzle(client),
      statement: async (text: string, values: unknown[]) => (await client.query(text, values)).rows,
    } as unknown as Database;
    staging = new ImportStaging(database);
    outcomes = new ImportOutcomes(database);
    found = new FeedItems(database);
  });

  afterEach(async () => {
    await client.end();
    await testDatabase.drop();
  });

  async function startImport(): Promise<string> {
    const importId = randomUUID();
    await client.query(
      `INSERT INTO import_sources (import_id, source, tenant, status, job_id, attempt, updated_at)
       VALUES ($1, $2, $3, 'fetching', 'job', 1, now())`,
      [importId, SOURCE, TENANT],
    );
    return importId;
  }

  async function take(importId: string, guids: readonly string[], attempt = 1): Promise<void> {
    const items = guids.map((guid, at) => ({
      position: at + 1,
      guid,
      guidFrom: 'guid' as const,
      title: `Item ${guid}`,
      link: null,
      summary: null,
      content: null,
      authors: [],
      categories: [],
      publishedAt: '2026-01-05T10:00:00.000Z',
      updatedAt: null,
      enclosures: [],
      fields: {},
      notes: [],
      fingerprint: createHash('sha256').update(guid).digest('hex'),
    }));
    const place = { importId, source: SOURCE, tenant: TENANT, attempt, status: 'fetching' } as const;
    await staging.stage(place, { items, rejections: [], bytes: 1 });
  }

  const settle = (importId: string, guids: readonly string[]) =>
    outcomes.store(guids.map((guid) => ({ importId, key: itemKeyOf(TENANT, SOURCE, guid) })));
  const numbered = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => `item-${from + at}`);

  it('read no table whole that was small when they were planned', async () => {
    const importId = await startImport();
    // A row and a page of each: reading them whole is the quickest way, and what PostgreSQL would remember.
    await take(importId, numbered(0, 1));
    await settle(importId, numbered(0, 1));
    await client.query('ANALYZE');
    await client.query('DISCARD PLANS');
    for (let number = 1; number <= 10; number += 1) {
      await take(importId, numbered(number, 1));
      await settle(importId, numbered(number, 1));
    }
    await client.query('BEGIN');
    for (let from = 100; from < 1_100; from += 250) {
      await take(importId, numbered(from, 250));
      expect((await settle(importId, numbered(from, 250))).size).toBe(250);
    }
    const { rows } = await client.query(
      `SELECT relname AS name, seq_tup_read::integer AS read, idx_scan::integer AS looked
       FROM pg_stat_xact_user_tables WHERE relname IN ('import_items', 'feed_items') ORDER BY relname`,
    );
    await client.query('COMMIT');
    expect(rows).toEqual([
      { name: 'feed_items', read: 0, looked: expect.any(Number) },
      { name: 'import_items', read: 0, looked: expect.any(Number) },
    ]);
  });

  it('write nothing for an attempt that was given up', async () => {
    const importId = await startImport();
    await expect(take(importId, numbered(0, 3), 2)).rejects.toThrow(FetchSupersededError);
    const { rows } = await client.query('SELECT count(*)::integer AS rows FROM import_items');
    expect(rows).toEqual([{ rows: 0 }]);
  });

  it.each([
    ['the one stored last first', false],
    ['also those that were stored before items had numbers', true],
  ])('list items of one date page by page, each once, %s', async (_, areOld) => {
    const importId = await startImport();
    const guids = numbered(0, 25);
    await take(importId, guids);
    for (const guid of guids) await settle(importId, [guid]);
    if (areOld) await client.query('UPDATE feed_items SET number = 0');
    const pages: string[] = [];
    for (let after: ItemPosition | undefined; ;) {
      const page = await found.search(TENANT, { source: SOURCE }, 10, after);
      pages.push(...page.map(({ guid }) => guid));
      after = page.at(-1);
      if (after === undefined) break;
    }
    if (areOld) expect(pages.toSorted()).toEqual(guids.toSorted());
    else expect(pages).toEqual(guids.toReversed());
  });
});
