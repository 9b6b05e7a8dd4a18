import { sql } from 'drizzle-orm';
import { Database } from '../../../src/platform/database/database.service';
import { deadLetterCursors } from '../../../src/platform/dead-letter/dead-letter.tables';
import { DeadLetterKeeper } from '../../../src/platform/dead-letter/dead-letter-keeper.service';
import { DeadLetterParker } from '../../../src/platform/dead-letter/dead-letter-parker.service';
import { DeadLetterStore, TRASH_MS } from '../../../src/platform/dead-letter/dead-letter.store';
import { ATTEMPTS_FIELD } from '../../../src/platform/queue/attempt-record';
import { deathCauses } from '../../../src/platform/queue/death-cause';
import { HopelessJobError } from '../../../src/platform/queue/job-outcome';
import { RetentionSweeper } from '../../../src/platform/retention/retention-sweeper.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { DeadLetterScene } from './dead-letter-scene';

const WEEK_MS = 7 * 86_400_000;

describe('a dead letter', () => {
  let scene: DeadLetterScene;

  beforeAll(async () => {
    scene = await DeadLetterScene.open();
  });
  afterAll(() => scene.close());

  /** Files jobs as failed, as a process that is gone by now has left them. */
  async function failed(
    jobs: readonly { fields?: Record<string, string>; finishedAt?: number }[],
  ): Promise<string[]> {
    const ids = await Promise.all(
      jobs.map((_job, at) => scene.add(`job ${at}`, { delayMs: 60_000, attempts: 3 })),
    );
    const pipeline = scene.redis.pipeline();
    jobs.forEach(({ fields = {}, finishedAt = Date.now() }, at) => {
      const id = ids[at] ?? '';
      pipeline.zrem(`${scene.base}:delayed`, id).zadd(`${scene.base}:failed`, finishedAt, id);
      pipeline.hset(`${scene.base}:${id}`, { finishedOn: finishedAt, ...fields });
    });
    await pipeline.exec();
    return ids;
  }

  it('tells all of a job that has used up its attempts', async () => {
    const [jobId = ''] = await scene.kill(['"a" of 17'], {
      attempts: 2,
      backoff: { type: 'fixed', delayMs: 1 },
      key: 'invoice 17',
      priority: 'low',
    });
    await scene.park();
    expect(await scene.letterOf(jobId)).toMatchObject({
      id: expect.stringMatching(/^notes_dlq_[\w-]{22}$/) as string,
      queue: 'notes',
      key: 'invoice 17',
      type: 'write-note',
      payload: '{"text":"\\"a\\" of 17"}',
      options: { attempts: 2, priority: 15 },
      cause: 'attempts_used',
      attemptsMade: 2,
      attemptsMax: 2,
      errorName: 'Error',
      errorMessage: 'cannot write ""a" of 17"',
      errorStack: expect.stringContaining('Error: cannot write') as string,
      status: 'dead',
      redriveCount: 0,
    });
  });

  it('is parked at once by the process whose worker saw the end, whoever has the turn', async () => {
    const lease = `${scene.prefix}:holdfast:leader:dead-letters`;
    await scene.redis.set(lease, 'another process, which is busy', 'PX', 60_000);
    await scene.kill(['first']);
    scene.work = () => Promise.reject(new HopelessJobError('no account'));
    const jobId = await scene.add('hopeless');
    await scene.until(jobId, 'failed');
    await eventually(async () => {
      expect(await scene.letterOf(jobId)).toMatchObject({
        cause: 'unrecoverable',
        attemptsMade: 1,
        attemptsMax: 3,
      });
    }, 10_000);
    await scene.redis.del(lease);
  });

  it('is parked at once also when the death comes while others are being parked', async () => {
    const lease = `${scene.prefix}:holdfast:leader:dead-letters`;
    await scene.redis.set(lease, 'another process, which is busy', 'PX', 60_000);
    const second = await scene.app.get(Database).transaction(async (transaction) => {
      await transaction.execute(sql`LOCK TABLE dead_letters IN SHARE MODE`);
      await scene.kill(['first of two']);
      await eventually(async () => {
        const { rows } = await transaction.execute(
          sql`SELECT FROM pg_locks WHERE NOT granted AND relation = 'dead_letters'::regclass`,
        );
        expect(rows).toHaveLength(1);
      }, 10_000);
      const [id] = await scene.kill(['second of two']);
      scene.work = () => Promise.resolve();
      // Longer than deaths are gathered, so that the pass is still held up when the next would begin.
      await scene.until(await scene.add('later', { delayMs: 400 }), 'completed');
      return id!;
    });
    await eventually(async () => {
      expect(await scene.letterOf(second)).toMatchObject({ jobId: second, status: 'dead' });
    }, 10_000);
    await scene.redis.del(lease);
  });

  it('is made once of each cause that a consumer has recorded, and of what BullMQ gave up by itself', async () => {
    const recorded = deathCauses.map((cause) => ({
      fields: {
        failedReason: 'x',
        ats: '1',
        [ATTEMPTS_FIELD]: JSON.stringify([{ start: 1, outcome: 'failed', cause }]),
      },
    }));
    const ids = await failed([
      ...recorded,
      { fields: { failedReason: 'job stalled more than allowable limit', ats: '5' } },
      { fields: { failedReason: 'job started more than allowable limit', ats: '9' } },
    ]);
    await Promise.all([scene.park(), scene.park()]);
    await scene.park();
    const letters = await scene.letters();
    const causes = ids.map((id) => letters.filter(({ jobId }) => jobId === id).map(({ cause }) => cause));
    expect(causes).toEqual([...deathCauses, 'stalled', 'started_too_often'].map((cause) => [cause]));
    const stalled = letters.find(({ jobId }) => jobId === ids.at(-2));
    expect(stalled?.attempts).toMatchObject([{ start: 5, outcome: 'lost', cause: 'stalled' }]);
  });

  it('is made of an id without a job, and of a job whose payload is no JSON', async () => {
    const [gone = '', broken = ''] = await failed([{}, { fields: { data: '{"text', failedReason: 'x' } }]);
    await scene.redis.del(`${scene.base}:${gone}`);
    await scene.park();
    expect(await scene.letterOf(gone)).toMatchObject({ cause: 'missing_data', type: '', payload: '' });
    expect(await scene.letterOf(broken)).toMatchObject({ payload: '{"text', type: 'write-note' });
  });

  it('is not made of a job that was cancelled', async () => {
    const [jobId = ''] = await failed([
      { fields: { [ATTEMPTS_FIELD]: JSON.stringify([{ start: 1, outcome: 'cancelled' }]), ats: '1' } },
    ]);
    await scene.park();
    expect((await scene.letters()).filter((letter) => letter.jobId === jobId)).toEqual([]);
  });

  it('is there once although the process died between the rows and the cursor, and once behind the cursor', async () => {
    const now = Date.now();
    const [jobId = ''] = await failed([{ finishedAt: now }]);
    await scene.park();
    const { query } = scene.app.get(Database);
    await query.update(deadLetterCursors).set({ finishedAt: 0, jobId: '' });
    const before = (await scene.letters()).length;
    await scene.park();
    expect(await scene.letters()).toHaveLength(before);
    const [late = ''] = await failed([{ finishedAt: now - 3_000 }]);
    await scene.park();
    expect((await scene.letterOf(late)).finishedAt).toBe(now - 3_000);
    expect((await scene.letterOf(jobId)).finishedAt).toBe(now);
  });

  it('is made before retention removes the job, which stays as long as the database does not answer', async () => {
    const long = Date.now() - 2 * WEEK_MS;
    const ids = await failed(Array.from({ length: 700 }, (_, at) => ({ finishedAt: long + at })));
    const sweeper = scene.app.get(RetentionSweeper);
    const { query } = scene.app.get(Database);
    await query.execute('ALTER TABLE dead_letters RENAME TO elsewhere');
    await expect(sweeper.sweep()).rejects.toThrow('dead_letters');
    await query.execute('ALTER TABLE elsewhere RENAME TO dead_letters');
    expect(await scene.redis.exists(`${scene.base}:${ids[0]}`)).toBe(1);
    await sweeper.sweep();
    expect(await scene.redis.exists(ids.map((id) => `${scene.base}:${id}`))).toBe(0);
    const parked = new Set((await scene.letters()).map(({ jobId }) => jobId));
    expect(ids.filter((id) => !parked.has(id))).toEqual([]);
  });

  it('lies in the trash for a week after it was discarded, then is gone and never parked again', async () => {
    const [jobId = '', other = ''] = await scene.kill(['rubbish', 'kept']);
    await scene.park();
    const store = scene.app.get(DeadLetterStore);
    const keeper = scene.app.get(DeadLetterKeeper);
    const decision = { by: 'tester', reason: 'never needed' };
    const ids = [(await scene.letterOf(jobId)).id, (await scene.letterOf(other)).id];
    expect(await store.discard(ids, decision)).toEqual(new Set(ids));
    expect(await store.discard(ids, decision)).toEqual(new Set());
    expect(await store.restore(ids.slice(1), decision)).toEqual(new Set(ids.slice(1)));
    const later = Date.now() + TRASH_MS + 1_000;
    expect(await store.restore(ids, decision, later)).toEqual(new Set());
    await keeper.turn(later);
    expect((await scene.letterOf(jobId)).status).toBe('discarded');
    await scene.queue.remove(jobId);
    await keeper.turn(later);
    await scene.park();
    expect((await scene.letters()).some((letter) => letter.jobId === jobId)).toBe(false);
    expect((await scene.letterOf(other)).status).toBe('dead');
  });
});

describe('a job that dies while nobody looks', () => {
  it('is parked by the next process, with everything that died before it was there', async () => {
    const scene = await DeadLetterScene.open();
    const ids = await scene.kill(['one', 'two', 'three']);
    await scene.app.get(WorkerRunner).beforeApplicationShutdown();
    // The set alone knows of this one: no worker was there to see its end.
    const unseen = await scene.add('unseen', { delayMs: 60_000 });
    await scene.redis.zrem(`${scene.base}:delayed`, unseen);
    await scene.redis.zadd(`${scene.base}:failed`, Date.now(), unseen);
    const first = scene.app;
    await scene.app.get(Database).query.delete(deadLetterCursors);
    await first.close();
    await scene.start();
    await scene.app.get(DeadLetterParker).turn();
    const parked = (await scene.letters()).map(({ jobId }) => jobId);
    expect(parked.toSorted()).toEqual([...ids, unseen].toSorted());
    await scene.close();
  });
});
