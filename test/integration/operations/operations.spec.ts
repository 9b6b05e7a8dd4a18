import { DeadLetterProjection } from '../../../src/platform/dead-letter/dead-letter-projection.service';
import { deadLetterMigrations } from '../../../src/platform/dead-letter/dead-letter.module';
import { OperationCleaner } from '../../../src/platform/operations/operation-cleaner.service';
import { OperationRunner } from '../../../src/platform/operations/operation-runner.service';
import {
  OperationStore,
  QueueBusyError,
  type OperationCounts,
} from '../../../src/platform/operations/operation.store';
import { operationMigrations, OperationsModule } from '../../../src/platform/operations/operations.module';
import { Operations, type OperationWish } from '../../../src/platform/operations/operations.service';
import type { OperationStatus } from '../../../src/platform/operations/operations.tables';
import { eventually } from '../../support/eventually';
import { DeadLetterScene } from '../dead-letter/dead-letter-scene';

const wish = { action: 'redrive', reason: 'the cause is gone', startedBy: 'tester' } as const;

describe('an operation', () => {
  let scene: DeadLetterScene;
  let runs: Map<string, number>;

  beforeEach(async () => {
    scene = await DeadLetterScene.open([OperationsModule], [deadLetterMigrations, operationMigrations]);
    runs = new Map();
  });
  afterEach(() => scene.close());

  async function dead(howMany: number): Promise<string[]> {
    const ids = await scene.kill(Array.from({ length: howMany }, (_, at) => `note ${at}`));
    // A death whose end was written late is found by a look back, a few seconds after the others.
    await eventually(async () => {
      await scene.park();
      expect(await scene.letters()).toHaveLength(howMany);
    }, 20_000);
    return ids;
  }

  function count(isBroken = false): void {
    scene.work = ({ text }) => {
      runs.set(text, (runs.get(text) ?? 0) + 1);
      return isBroken ? Promise.reject(new Error('still broken')) : Promise.resolve();
    };
  }

  async function ended(
    id: string,
    timeoutMs = 20_000,
  ): Promise<OperationCounts & { status: OperationStatus; detail: string | null }> {
    const store = scene.app.get(OperationStore);
    await eventually(async () => {
      await scene.app.get(OperationRunner).turn();
      expect((await store.find(id))?.status).not.toBe('running');
    }, timeoutMs);
    return progress(id);
  }

  async function progress(id: string) {
    const store = scene.app.get(OperationStore);
    const operation = await store.find(id);
    const counts = await store.counts([operation!]);
    return { ...counts.get(id)!, status: operation!.status, detail: operation!.detail };
  }

  const start = (more: Partial<OperationWish> = {}) =>
    scene.app
      .get(Operations)
      .start({ ...wish, ...(more.ids === undefined && { filter: { queue: 'notes' } }), ...more });

  it('halts when the first jobs die again: at most 11 of 1,000 run', async () => {
    await dead(1_000);
    count(true);
    const { id } = await start();
    const end = await ended(id);
    expect(end).toMatchObject({ status: 'halted', total: 1_000, success: 0 });
    expect(end.detail).toBe('1 of 1 jobs of wave 1 failed again; the limit is 50 %.');
    const all = [...runs.values()].reduce((total, one) => total + one, 0);
    expect(all).toBeGreaterThan(0);
    expect(all).toBeLessThanOrEqual(11);
    await scene.park();
    const letters = await scene.letters();
    expect(letters.filter(({ status }) => status === 'dead')).toHaveLength(1_000);
  }, 180_000);

  it('runs all 1,000 exactly once when the handler works again, in waves', async () => {
    await dead(1_000);
    count();
    const { id } = await start();
    expect(await ended(id, 90_000)).toMatchObject({
      status: 'completed',
      total: 1_000,
      success: 1_000,
      failure: 0,
      skipped: 0,
    });
    expect(runs.size).toBe(1_000);
    expect([...runs.values()].every((times) => times === 1)).toBe(true);
    expect((await scene.letters()).every(({ status }) => status === 'redriven')).toBe(true);
    await scene.app.get(DeadLetterProjection).turn();
    expect(await scene.redis.llen(`${scene.base}_dlq:wait`)).toBe(0);
  }, 180_000);

  it('is one at a time for a queue, and leaves what it has moved where it is when it is aborted', async () => {
    await dead(30);
    count();
    const { id } = await start({ ratePerSecond: 5, usesWaves: false });
    await expect(start()).rejects.toThrow(QueueBusyError);
    await eventually(async () => expect((await progress(id)).success).toBeGreaterThan(0), 5_000);
    const store = scene.app.get(OperationStore);
    expect((await store.abort(id, 'enough'))?.status).toBe('aborted');
    expect(await store.abort(id, 'enough')).toBeUndefined();
    const { success, pending } = await progress(id);
    expect(success + pending).toBe(30);
    expect(pending).toBeGreaterThan(0);
    const { id: next } = await start();
    expect(await ended(next)).toMatchObject({ status: 'completed', success: 30 - success });
    expect(runs.size).toBe(30);
    expect([...runs.values()].every((times) => times === 1)).toBe(true);
  });

  it('keeps to its rate', async () => {
    await dead(12);
    count();
    const startedAt = Date.now();
    const { id } = await start({ ratePerSecond: 4, usesWaves: false });
    expect(await ended(id)).toMatchObject({ status: 'completed', success: 12 });
    // The first comes at once, and up to a second of rest may be made up for.
    expect(Date.now() - startedAt).toBeGreaterThan(1_500);
  });

  it('goes on in another process where one has died, and counts what that one has done', async () => {
    const ids = await dead(40);
    count();
    const { id } = await start({ ratePerSecond: 10, usesWaves: false });
    await eventually(async () => expect((await progress(id)).success).toBeGreaterThan(2), 5_000);
    const first = scene.app;
    const second = await scene.start([OperationsModule], [deadLetterMigrations, operationMigrations]);
    await first.close();
    scene.app = second;
    const done = await ended(id);
    expect(done).toMatchObject({ status: 'completed', success: 40 });
    expect(ids).toHaveLength(40);
  });

  it('says beforehand what it would do, and does nothing of it', async () => {
    const [first = ''] = await dead(3);
    const letter = await scene.letterOf(first);
    const plan = await scene.app.get(Operations).plan({ ...wish, ids: [letter.id, 'notes_dlq_nothing'] });
    expect(plan).toEqual({
      targets: [letter.id],
      missing: ['notes_dlq_nothing'],
      byQueue: { notes: 1 },
      sample: [letter.id],
    });
    expect((await scene.letterOf(first)).status).toBe('dead');
  });

  it('discards, restores, retries jobs by their ids, removes and promotes', async () => {
    const ids = await dead(3);
    count();
    const jobs = [...ids, `notes_${'x'.repeat(22)}`];
    expect(await ended((await start({ action: 'discard' })).id)).toMatchObject({ total: 3, success: 3 });
    expect(await ended((await start({ action: 'redrive' })).id)).toMatchObject({ total: 0 });
    expect(await ended((await start({ action: 'restore' })).id)).toMatchObject({ total: 3, success: 3 });
    const retry = await start({ action: 'retry', ids: jobs });
    expect(await ended(retry.id)).toMatchObject({ status: 'completed', total: 4, success: 3, skipped: 1 });
    const later = [
      await scene.add('later', { delayMs: 60_000 }),
      await scene.add('never', { delayMs: 60_000 }),
    ];
    const promote = await start({ action: 'promote', ids: later.slice(0, 1) });
    expect(await ended(promote.id)).toMatchObject({ success: 1 });
    await scene.until(later[0] ?? '', 'completed');
    const soon = await scene.add('cancelled', { delayMs: 60_000 });
    const cancel = await start({ action: 'cancel', ids: [soon, later[0] ?? ''] });
    expect(await ended(cancel.id)).toMatchObject({ success: 1, skipped: 1 });
    const remove = await start({ action: 'remove', ids: later.slice(1) });
    expect(await ended(remove.id)).toMatchObject({ success: 1 });
    expect(await scene.queue.getJob(later[1] ?? '')).toBeUndefined();
    expect((await scene.app.get(OperationStore).list({ limit: 2 })).map(({ action }) => action)).toEqual([
      'remove',
      'cancel',
    ]);
    const cleaner = scene.app.get(OperationCleaner);
    await cleaner.turn();
    expect(await scene.app.get(OperationStore).list({ limit: 50 })).toHaveLength(7);
    await cleaner.turn(Date.now() + 91 * 86_400_000);
    expect(await scene.app.get(OperationStore).list({ limit: 50 })).toHaveLength(4);
  });
});
