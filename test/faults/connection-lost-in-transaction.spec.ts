import { sql } from 'drizzle-orm';
import { readSettings } from '../../src/config/read-settings';
import { Database } from '../../src/platform/database/database.service';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { TcpProxy } from '../support/tcp-proxy';
import { query } from './database-client';

const noticeDeadlineMs = 10_000;
const POOL_SIZE = 2;

// Found by `npm run torture -- --victim database`: it ended one worker in thirty-five.
describe('a connection that is lost between two statements of a transaction', () => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    database = new Database(readSettings({ NODE_ENV: 'test', DATABASE_URL: testDatabase.url }), []);
  });

  afterAll(async () => {
    await database.onApplicationShutdown();
    await testDatabase.drop();
  });

  it('fails that transaction alone, and the process goes on', async () => {
    const work = database.transaction(async (transaction) => {
      const { rows } = await transaction.execute<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
      const pid = rows[0]?.pid;
      await query(testDatabase.url, 'SELECT pg_terminate_backend($1)', [pid]);
      const isThere = 'SELECT 1 FROM pg_stat_activity WHERE pid = $1';
      await eventually(
        async () => expect(await query(testDatabase.url, isThere, [pid])).toHaveLength(0),
        noticeDeadlineMs,
      );
      await transaction.execute(sql`SELECT 1`);
    });
    await expect(work).rejects.toThrow();
    expect(await database.pingMs()).toBeGreaterThan(0);
  });
});

describe('a connection that is lost when a transaction', () => {
  let testDatabase: TestDatabase;
  let proxy: TcpProxy;
  let database: Database;

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    const url = new URL(testDatabase.url);
    proxy = await TcpProxy.start(Number(url.port));
    url.port = String(proxy.port);
    const settings = { NODE_ENV: 'test', DATABASE_URL: url.href, DATABASE_POOL_SIZE: String(POOL_SIZE) };
    database = new Database(readSettings(settings), []);
    await database.pingMs();
  });

  afterEach(async () => {
    await database.onApplicationShutdown();
    await proxy.close();
    await testDatabase.drop();
  });

  // A pool whose connections are kept by failed transactions lets nobody in any more, and never ends.
  it.each(['begin', 'commit', 'rollback'])('says %s is replaced, and the pool stays whole', async (word) => {
    for (let time = 0; time < POOL_SIZE; time += 1) {
      const lost = proxy.lose(word, 'request is lost');
      const work = database.transaction(async (transaction) => {
        await transaction.execute(sql`SELECT 1`);
        if (word === 'rollback') throw new Error('of the work itself');
      });
      const failed = expect(work).rejects.toThrow();
      await lost;
      proxy.cut();
      await failed;
    }
    const one = await database.transaction((transaction) => transaction.execute(sql`SELECT 1 AS one`));
    expect(one.rows).toEqual([{ one: 1 }]);
  });
});
