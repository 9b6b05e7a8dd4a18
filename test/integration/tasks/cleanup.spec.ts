import { sql } from 'drizzle-orm';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SessionStore } from '../../../src/platform/auth/session.store';
import { Database } from '../../../src/platform/database/database.service';
import { CleanupSchedule } from '../../../src/workloads/tasks/cleanup/cleanup-schedule.service';
import { CleanupProducer } from '../../../src/workloads/tasks/cleanup/cleanup.producer';
import { eventually } from '../../support/eventually';
import { startTestServer, type TestServer } from '../../support/server';
import { cleanNaively, layTraps, oldFile, oldFiles } from './cleanup-tree';

interface JobAnswer {
  readonly id: string;
  readonly state: string;
  readonly attempts: { readonly made: number };
  readonly error?: { readonly name: string; readonly message: string };
  readonly result?: Record<string, unknown>;
}

const HOUR_MS = 3_600_000;

describe('CLEANUP', () => {
  let server: TestServer;
  let place: string;
  let root: string;
  let outside: string;

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'holdfast-cleanup-'));
    [root, outside] = [join(place, 'root'), join(place, 'outside')];
    server = await startTestServer({ CLEANUP_TEMP_ROOT: root, CLEANUP_LOG_ROOT: join(place, 'logs') });
  });
  afterAll(async () => {
    await server.close();
    await rm(place, { recursive: true });
  });
  beforeEach(async () => {
    await mkdir(root);
    await mkdir(outside);
  });
  afterEach(async () => {
    for (const folder of [root, outside]) await rm(folder, { recursive: true, force: true });
  });

  const send = async (data: object, options = {}) => {
    const response = await fetch(`${server.url}/api/queue/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'CLEANUP', data, options }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const read = async (id: unknown) =>
    (await (await fetch(`${server.url}/api/queue/jobs/${String(id)}`)).json()) as JobAnswer;
  const ended = async (id: unknown, timeoutMs = 20_000): Promise<JobAnswer> => {
    let job = await read(id);
    await eventually(async () => {
      job = await read(id);
      expect(['completed', 'failed', 'cancelled']).toContain(job.state);
    }, timeoutMs);
    return job;
  };
  const cleaned = async (data: object, options = {}) => {
    const { status, body } = await send({ targetType: 'temp_files', olderThan: HOUR_MS, ...data }, options);
    expect(status).toBe(202);
    return ended(body['id']);
  };
  const namesIn = (folder: string) => readdir(folder).then((names) => names.toSorted());

  describe('A11: whatever lies below the root, and whatever a payload says', () => {
    const refused: [string, object, string][] = [
      ['the whole disk', { path: '/' }, '#/data/path'],
      ['a way up', { path: '../..' }, '#/data/path'],
      ['a way up and down', { path: 'a/../../outside' }, '#/data/path'],
      ['an absolute path', { path: '/etc' }, '#/data/path'],
      ['a NUL', { path: 'a\0b' }, '#/data/path'],
      ['null for a path', { path: null }, '#/data/path'],
      ['files that are in use', { olderThan: 0 }, '#/data/olderThan'],
      ['files a little less than an hour old', { olderThan: HOUR_MS - 1 }, '#/data/olderThan'],
      ['an age below zero', { olderThan: -1 }, '#/data/olderThan'],
      ['a pattern that leads up', { pattern: '../*' }, '#/data/pattern'],
      ['a pattern with more wildcards than anybody needs', { pattern: '*a'.repeat(50) }, '#/data/pattern'],
      ['braces that unfold', { pattern: '{a,b}'.repeat(30) }, '#/data/pattern'],
      ['another root', { root: '/' }, '#/data/root'],
      ['another target', { targetType: 'everything' }, '#/data/targetType'],
      ['a path of sessions', { targetType: 'expired_sessions', path: 'a' }, '#/data/path'],
      ['a limit above all', { maxFiles: 100_001 }, '#/data/maxFiles'],
    ];

    it('removes what is old and plain, leaves all else, and answers what it will not do', async () => {
      const { removable } = await layTraps(root, outside);
      for (const [what, data, pointer] of refused) {
        const { status, body } = await send({ targetType: 'temp_files', olderThan: HOUR_MS, ...data });
        const expected = what === 'another root' ? 400 : 422;
        expect([what, status, body]).toMatchObject([what, expected, { errors: [{ pointer }] }]);
      }
      // As a caller may send them.
      for (const path of ['link-to-folder', 'relative-link', 'link-to-folder/folder', 'plain.log']) {
        const job = await cleaned({ path });
        expect(job).toMatchObject({
          state: 'failed',
          attempts: { made: 1 },
          error: { name: 'CleanupRefusedError' },
        });
      }
      // Matched in no time; a regular expression made of it would not come back.
      const slow = await cleaned({ pattern: `${'*a'.repeat(15)}b` });
      expect(slow).toMatchObject({ state: 'completed', result: { removed: 0 } });
      const dry = await cleaned({ dryRun: true });
      expect(dry.result).toMatchObject({ removed: removable, dryRun: true, folders: 0 });
      const { state, result } = await cleaned({});
      expect(state).toBe('completed');
      expect(result).toMatchObject({
        removed: removable,
        bytes: removable * 3,
        isCut: false,
        skipped: { links: 5, hardLinks: 1, young: 1, tooDeep: 1, outside: 0, vanished: 0, refused: 0 },
      });
      const left = { outside: await namesIn(outside), folder: await namesIn(join(outside, 'folder')) };
      expect(left).toEqual({ outside: ['file', 'folder', 'twin'], folder: ['inner'] });
      expect(await namesIn(root)).toEqual(
        expect.arrayContaining(['broken', 'hard-link', 'link-to-file', 'link-to-folder', 'pipe', 'young']),
      );
      const deleted = 4 - left.outside.length - left.folder.length;
      process.stdout.write(
        `A11 cases=${refused.length + 6} outside_deleted=${deleted} removed=${removable}\n`,
      );
    });

    it('removes what lies outside when it is written without thinking', async () => {
      await layTraps(root, outside);
      await cleanNaively(root, Date.now() - HOUR_MS);
      expect(await namesIn(outside)).toEqual(['folder']);
      expect(await namesIn(join(outside, 'folder'))).toEqual([]);
    });

    it('deletes nothing outside while its folders become links and folders again', async () => {
      await mkdir(join(outside, 'a'));
      oldFiles(300, join(outside, 'a'));
      await mkdir(join(root, 'a'));
      oldFiles(300, join(root, 'a'));
      const over = new AbortController();
      let swaps = 0;
      const swapping = (async () => {
        while (!over.signal.aborted) {
          await rename(join(root, 'a'), join(place, 'aside')).catch(() => undefined);
          await symlink(join(outside, 'a'), join(root, 'a'));
          await unlink(join(root, 'a'));
          await rename(join(place, 'aside'), join(root, 'a')).catch(() => undefined);
          swaps += 1;
        }
      })();
      try {
        for (let turn = 0; turn < 5; turn += 1) expect((await cleaned({})).state).toBe('completed');
      } finally {
        over.abort();
        await swapping;
        await rm(join(place, 'aside'), { recursive: true, force: true });
      }
      expect(swaps).toBeGreaterThan(20);
      expect(await readdir(join(outside, 'a'))).toHaveLength(300);
    });

    it('does not begin at a root that is a link, or that holds the home', async () => {
      await rm(root, { recursive: true });
      await symlink(outside, root);
      await oldFile(outside, 'file');
      const linked = await cleaned({}, { attempts: 3 });
      expect(linked).toMatchObject({ state: 'failed', attempts: { made: 1 } });
      expect(linked.error?.message).toContain('CLEANUP_TEMP_ROOT is a link');
      expect(await namesIn(outside)).toEqual(['file']);
      await unlink(root);
      await symlink(join(server.settings.home, '..'), join(place, 'up'));
      server.settings.CLEANUP_TEMP_ROOT = join(place, 'up', server.settings.home.split('/').at(-1) ?? '');
      try {
        expect(await cleaned({})).toMatchObject({ state: 'failed', error: { name: 'CleanupRefusedError' } });
      } finally {
        server.settings.CLEANUP_TEMP_ROOT = root;
        await unlink(join(place, 'up'));
      }
    });
  });

  it('takes a part of the tree, a pattern, and no more than its limits', async () => {
    for (const folder of ['a/b', 'c']) await mkdir(join(root, folder), { recursive: true });
    for (const file of ['a/1.log', 'a/2.txt', 'a/b/3.log', 'c/4.log']) await oldFile(root, file);
    expect((await cleaned({ path: 'nowhere' })).result).toMatchObject({ scanned: 0, removed: 0 });
    const some = await cleaned({ path: 'a', pattern: '*.log', maxFiles: 1 });
    expect(some.result).toMatchObject({ removed: 1, isCut: true });
    const few = await cleaned({ path: 'a', pattern: '**/*.log', maxBytes: 2 });
    expect(few.result).toMatchObject({ removed: 0, isCut: true });
    const rest = await cleaned({ path: 'a', pattern: '**/*.log' });
    expect(rest.result).toMatchObject({ removed: 1, isCut: false, skipped: { unmatched: 1 } });
    expect(await namesIn(root)).toEqual(['a', 'c']);
    expect(await namesIn(join(root, 'a'))).toContain('2.txt');
    const all = await cleaned({});
    expect(all.result).toMatchObject({ removed: 2 });
    expect(await namesIn(root)).toEqual([]);
  });

  it('takes the logs from their own root', async () => {
    await mkdir(join(place, 'logs'));
    await oldFile(place, 'logs', 'app.log');
    await oldFile(root, 'app.log');
    expect((await cleaned({ targetType: 'old_logs' })).result).toMatchObject({ removed: 1 });
    expect(await namesIn(root)).toEqual(['app.log']);
  });

  it('stops where it is when it is cancelled', async () => {
    const total = 5_000;
    oldFiles(total, root);
    const { body } = await send({ targetType: 'temp_files', olderThan: HOUR_MS, maxFiles: 100_000 });
    await eventually(async () => expect((await namesIn(root)).length).toBeLessThan(total), 10_000);
    const stopped = await fetch(`${server.url}/api/queue/jobs/${String(body['id'])}?reason=enough`, {
      method: 'DELETE',
    });
    expect(stopped.status).toBe(202);
    expect(await ended(body['id'])).toMatchObject({ state: 'cancelled' });
    const left = (await namesIn(root)).length;
    expect(left).toBeGreaterThan(0);
    // What was cut off is done by the next one.
    expect((await cleaned({ maxFiles: 100_000 })).result).toMatchObject({ removed: left });
  }, 120_000);

  it('removes sessions that ended long enough ago, tries again after a failure, and counts in a dry run', async () => {
    const { query } = server.app.get(Database);
    const store = server.app.get(SessionStore);
    // By hand: creating a session removes those that are over.
    for (const [id, hours] of [
      ['old', -3],
      ['older', -4],
      ['just over', -0.5],
      ['alive', 5],
    ] as const) {
      const expiresAt = new Date(Date.now() + hours * HOUR_MS).toISOString();
      await query.execute(sql`INSERT INTO sessions VALUES (${id}, 'k', 'p', ${expiresAt})`);
    }
    const target = { targetType: 'expired_sessions' };
    expect((await cleaned({ ...target, dryRun: true })).result).toMatchObject({ removed: 2, dryRun: true });
    expect((await cleaned({ ...target, maxFiles: 1 })).result).toMatchObject({ removed: 1, isCut: true });
    expect(await store.find('older')).toBeUndefined();
    await query.execute(sql`ALTER TABLE sessions RENAME TO elsewhere`);
    const { body } = await send(
      { ...target, olderThan: HOUR_MS },
      { attempts: 20, backoff: { type: 'fixed', delay: 100 } },
    );
    await eventually(async () => expect((await read(body['id'])).attempts.made).toBeGreaterThan(0), 10_000);
    await query.execute(sql`ALTER TABLE elsewhere RENAME TO sessions`);
    expect(await ended(body['id'])).toMatchObject({ state: 'completed', result: { removed: 1 } });
    const left = await query.execute(sql`SELECT id_hash FROM sessions ORDER BY 1`);
    expect(left.rows).toEqual([{ id_hash: 'alive' }, { id_hash: 'just over' }]);
  });

  it('is for the home tenant alone', async () => {
    const payload = { targetType: 'expired_sessions', olderThan: HOUR_MS } as const;
    const job = await server.app.get(CleanupProducer).addCleanup(payload, { tenant: 'acme', attempts: 3 });
    await eventually(async () => {
      expect(await job.getState()).toBe('failed');
    }, 10_000);
  });

  it('is added once a day for each target, however many processes look', async () => {
    const other = await startTestServer({
      REDIS_PREFIX: server.settings.REDIS_PREFIX,
      DATABASE_URL: server.settings.DATABASE_URL ?? '',
      CLEANUP_TEMP_ROOT: root,
      ROLE: 'api',
    });
    const added = async () => {
      const response = await fetch(`${server.url}/api/queue/jobs?queue=cleanup&limit=100`);
      const { items } = (await response.json()) as { items: { key?: string }[] };
      return items.filter(({ key }) => key?.startsWith('scheduled:') === true).length;
    };
    try {
      const schedules = [server, other].map(({ app }) => app.get(CleanupSchedule));
      const day = 20_000 * 24 * HOUR_MS;
      await Promise.all(schedules.flatMap((one) => [one.addDue(day), one.addDue(day + 1_000)]));
      await eventually(async () => expect(await added()).toBe(3), 10_000);
      await Promise.all(schedules.map((one) => one.addDue(day + 24 * HOUR_MS)));
      await eventually(async () => expect(await added()).toBe(6), 10_000);
    } finally {
      await other.close();
    }
  });
});
