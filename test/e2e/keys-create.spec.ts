import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { startTestServer } from '../support/server';

const program = resolve(__dirname, '../../dist/create-key.js');
const DEADLINE_MS = 60_000;

describe('keys:create', () => {
  let database: TestDatabase;
  let home: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    home = await mkdtemp(join(tmpdir(), 'holdfast-keys-'));
  });
  afterAll(async () => {
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  const run = (args: readonly string[], url = database.url) =>
    new Promise<{ code: number; out: string; notes: string }>((done) => {
      const { PATH = '' } = process.env;
      const env = { PATH, HOLDFAST_HOME: home, DATABASE_URL: url };
      const child = execFile(
        process.execPath,
        [program, ...args],
        { cwd: home, env, timeout: DEADLINE_MS },
        (_error, out, notes) => done({ code: child.exitCode ?? -1, out, notes }),
      );
    });

  it('makes a key in an empty database, and prints the key alone', async () => {
    const { code, out, notes } = await run(['--role', 'producer', '--tenant', 'acme', '--expires', '1d']);
    expect([code, out]).toEqual([0, expect.stringMatching(/^hf_[\w-]{12}\.[\w-]{43}\n$/)]);
    expect(notes).toContain('only time');
    const server = await startTestServer({ ROLE: 'api', DATABASE_URL: database.url });
    const stats = (key: string) =>
      fetch(`${server.url}/api/queue/stats`, { headers: { authorization: `Bearer ${key}` } });
    expect((await stats(out.trim())).status).toBe(200);
    expect((await stats('wrong')).status).toBe(401);
    await server.close();
  }, 90_000);

  it.each([[[]], [['--role', 'boss']], [['--role', 'admin', '--colour', 'red']], [['admin']]])(
    'says how it is used when it is called with %j',
    async (args) => {
      const { code, out, notes } = await run(args);
      expect([code, out]).toEqual([2, '']);
      expect(notes).toContain('Usage: npm run keys:create');
    },
    90_000,
  );

  it('ends in one sentence when the database is away, and shows no password', async () => {
    const { code, out, notes } = await run(['--role', 'admin'], 'postgres://me:s3cret@127.0.0.1:1/x');
    expect([code, out]).toEqual([1, '']);
    expect(notes).toBe(
      'No key was made: the database cannot be reached. Start it, or correct DATABASE_URL.\n',
    );
  }, 90_000);
});
