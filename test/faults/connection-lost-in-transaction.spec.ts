import { sql } from 'drizzle-orm';
import { readSettings } from '../../src/config/read-settings';
import { Database } from '../../src/platform/database/database.service';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { query } from './database-client';

const noticeDeadlineMs = 10_000;

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
