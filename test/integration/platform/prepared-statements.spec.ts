import { sql } from 'drizzle-orm';
import { createHash } from 'node:crypto';
import { readSettings } from '../../../src/config/read-settings';
import { Database } from '../../../src/platform/database/database.service';
import { createTestDatabase, type TestDatabase } from '../../support/database';

const ADD = 'SELECT $1::int + $2::int AS sum';

describe('a statement that runs often', () => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
  });
  afterAll(() => testDatabase.drop());
  // One after the other, they all take the one connection that is there.
  beforeEach(() => {
    const settings = { NODE_ENV: 'test', DATABASE_URL: testDatabase.url };
    database = new Database(readSettings(settings), []);
  });
  afterEach(() => database.onApplicationShutdown());

  const prepared = async () =>
    (await database.query.execute<{ name: string }>(sql`SELECT name FROM pg_prepared_statements`)).rows;

  it('is prepared once on a connection, whatever its values', async () => {
    expect(await database.statement(ADD, [1, 2])).toEqual([{ sum: 3 }]);
    expect(await database.statement(ADD, [3, 4])).toEqual([{ sum: 7 }]);
    expect(await database.statement('SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
    expect(await prepared()).toHaveLength(2);
  });

  it('runs behind a pooler that hands out connections of others', async () => {
    await database.statement(ADD, [1, 2]);
    await database.query.execute(sql`DEALLOCATE ALL`);
    expect(await database.statement(ADD, [3, 4])).toEqual([{ sum: 7 }]);
    expect(await prepared()).toEqual([]);
  });

  it('runs where another process has prepared it on the connection', async () => {
    const digest = createHash('sha256').update(ADD).digest('hex').slice(0, 32);
    await database.query.execute(sql.raw(`PREPARE holdfast_${digest} AS SELECT 1`));
    expect(await database.statement(ADD, [1, 2])).toEqual([{ sum: 3 }]);
  });

  it('tells of errors that are its own', async () => {
    await expect(database.statement(ADD, ['x', 2])).rejects.toMatchObject({ code: '22P02' });
    expect(await database.statement(ADD, [1, 2])).toEqual([{ sum: 3 }]);
  });
});
