import { DeadLetterKeeper } from '../../../src/platform/dead-letter/dead-letter-keeper.service';
import { DeadLetterProjection } from '../../../src/platform/dead-letter/dead-letter-projection.service';
import { DeadLetterRedrive } from '../../../src/platform/dead-letter/dead-letter-redrive.service';
import { DeadLetterStore } from '../../../src/platform/dead-letter/dead-letter.store';
import { Database } from '../../../src/platform/database/database.service';
import { deadLetters, type RedriveOrder } from '../../../src/platform/dead-letter/dead-letter.tables';
import { JobRetry } from '../../../src/platform/dead-letter/job-retry.service';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import { eq } from 'drizzle-orm';
import { checkPayloadsOf } from '../../../src/platform/queue/payload-checks';
import { eventually } from '../../support/eventually';
import type { NotePayload } from '../../support/notes-queue';
import { DeadLetterScene } from './dead-letter-scene';

const order: RedriveOrder = { by: 'tester', reason: 'the cause is gone', resetAttempts: true };

describe('a redrive', () => {
  let scene: DeadLetterScene;
  let redrive: DeadLetterRedrive;
  let runs: string[];

  beforeAll(async () => {
    scene = await DeadLetterScene.open();
    redrive = scene.app.get(DeadLetterRedrive);
  });
  afterAll(() => scene.close());
  beforeEach(() => (runs = []));

  async function dead(text: string, options = {}): Promise<{ jobId: string; letterId: string }> {
    const [jobId = ''] = await scene.kill([text], options);
    await scene.park();
    scene.work = ({ text: written }) => Promise.resolve(runs.push(written));
    return { jobId, letterId: (await scene.letterOf(jobId)).id };
  }

  it('gives the job its id, its full number of attempts and the next generation', async () => {
    const { jobId, letterId } = await dead('patience', {
      attempts: 3,
      backoff: { type: 'fixed', delayMs: 1 },
    });
    let starts = 0;
    scene.work = () => (++starts < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve('done'));
    const [outcome] = await redrive.redrive([letterId], order);
    expect(outcome).toEqual({ id: letterId, kind: 'redriven', jobId, generation: 1 });
    await scene.until(jobId, 'completed');
    const job = await scene.app.get(JobReader).read(jobId);
    expect(job).toMatchObject({ attemptsMade: 3, origin: { generation: 1 } });
    expect(starts).toBe(3);
    expect(await scene.letterOf(jobId)).toMatchObject({
      status: 'redriven',
      redrivenAs: jobId,
      changedBy: 'tester',
      changeReason: 'the cause is gone',
      attemptsMade: 3,
    });
  });

  it('adds the job anew under the same id, key and options when Redis has removed it', async () => {
    const { jobId, letterId } = await dead('removed', { key: 'my key', priority: 'high' });
    expect(await scene.queue.remove(jobId)).toBe(1);
    await redrive.redrive([letterId], order);
    await scene.until(jobId, 'completed');
    expect(await scene.app.get(JobReader).read(jobId)).toMatchObject({
      priority: 'high',
      origin: { key: 'my key', generation: 1 },
    });
    expect(runs).toEqual(['removed']);
  });

  it('lets the job wait anew, each time as long as it might have at first', async () => {
    const { jobId } = await dead('patient', { waitLimitMs: 60_000 });
    scene.work = () => Promise.reject(new Error('not yet'));
    for (let generation = 1; generation <= 3; generation += 1) {
      await redrive.redrive([(await scene.letterOf(jobId)).id], order);
      await eventually(async () => {
        await scene.park();
        expect(await scene.letterOf(jobId)).toMatchObject({ status: 'dead', generation });
      }, 10_000);
      const origin = (await scene.app.get(JobReader).read(jobId))?.origin;
      expect((origin?.expiresAt ?? 0) - (origin?.redrivenAt ?? 0)).toBe(60_000);
    }
  });

  it('runs with the edited payload, and keeps the original one', async () => {
    const { jobId, letterId } = await dead('wrong');
    await scene.app.get(DeadLetterStore).edit(letterId, { text: 'right' }, order);
    await redrive.redrive([letterId], order);
    await scene.until(jobId, 'completed');
    expect(runs).toEqual(['right']);
    expect(await scene.letterOf(jobId)).toMatchObject({
      payload: '{"text":"wrong"}',
      editedPayload: '{"text":"right"}',
    });
  });

  it('refuses a payload that the type does not take, and a target that does not declare the type', async () => {
    const { jobId, letterId } = await dead('still dead');
    await scene.app.get(DeadLetterStore).edit(letterId, { text: 7 }, order);
    expect(await redrive.redrive([letterId], order)).toMatchObject([{ kind: 'refused' }]);
    expect(await redrive.redrive([letterId], { ...order, target: 'elsewhere' })).toMatchObject([
      { kind: 'refused', error: { message: 'Queue "elsewhere" declares no job type "write-note".' } },
    ]);
    expect((await scene.letterOf(jobId)).status).toBe('dead');
  });

  it('to a named queue is refused where an enqueue would be, before anything is changed', async () => {
    const { jobId, letterId } = await dead('of an unknown kind');
    checkPayloadsOf(scene.queue, 'write-note', (note) =>
      (note as NotePayload).text === 'of an unknown kind'
        ? [{ pointer: '/text', detail: 'names no kind that there is', code: 'kind' }]
        : [],
    );
    const before = await scene.letterOf(jobId);
    expect(await redrive.redrive([letterId], { ...order, target: 'notes' })).toMatchObject([
      { kind: 'refused', error: { errors: [{ pointer: '/text', code: 'kind' }] } },
    ]);
    expect(await scene.letterOf(jobId)).toEqual(before);
  });

  it('to a named queue makes a job of its own, linked both ways when that dies', async () => {
    const { letterId } = await dead('sent on');
    scene.work = () => Promise.reject(new Error('here, too'));
    const [outcome] = await redrive.redrive([letterId], { ...order, target: 'notes' });
    const jobId = outcome?.kind === 'redriven' ? outcome.jobId : '';
    await scene.until(jobId, 'delayed');
    await scene.queue.remove(jobId);
    expect(jobId).not.toBe((await scene.letters()).find(({ id }) => id === letterId)?.jobId);
    expect((await scene.letters()).find(({ id }) => id === letterId)).toMatchObject({ redrivenAs: jobId });
  });

  it('happens once, although two operators ask for it', async () => {
    const { jobId, letterId } = await dead('once');
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, at) => redrive.redrive([letterId], { ...order, by: `operator ${at}` })),
    );
    expect(outcomes.flat().filter(({ kind }) => kind === 'redriven')).toHaveLength(1);
    await scene.until(jobId, 'completed');
    expect(runs).toEqual(['once']);
  });

  it('is brought to its end after a crash, before and after the job was in its queue', async () => {
    const before = await dead('before');
    const after = await dead('after');
    const { query } = scene.app.get(Database);
    const begun = { status: 'redriving', redriveOrder: order, changedAt: new Date(0) } as const;
    await query.update(deadLetters).set(begun).where(eq(deadLetters.id, before.letterId));
    await redrive.redrive([after.letterId], order);
    await scene.until(after.jobId, 'completed');
    await query
      .update(deadLetters)
      .set({ ...begun, redrivenAs: null })
      .where(eq(deadLetters.id, after.letterId));
    await redrive.recover();
    await scene.until(before.jobId, 'completed');
    await redrive.recover();
    expect(runs.toSorted()).toEqual(['after', 'before']);
    expect((await scene.letterOf(before.jobId)).status).toBe('redriven');
    expect((await scene.letterOf(after.jobId)).status).toBe('redriven');
  });

  it('is told from a retry past Holdfast, which closes the dead letter once the job completes', async () => {
    const { jobId } = await dead('by hand');
    const job = await scene.queue.getJob(jobId);
    await job?.retry('failed', { resetAttemptsMade: true });
    await scene.until(jobId, 'completed');
    await scene.app.get(DeadLetterKeeper).turn();
    expect((await scene.letterOf(jobId)).status).toBe('closed');
    await scene.app.get(DeadLetterProjection).turn();
    await scene.app.get(DeadLetterKeeper).turn(Date.now() + 91 * 86_400_000);
    expect((await scene.letters()).some((letter) => letter.jobId === jobId)).toBe(false);
  });

  it('that dies again leaves a second dead letter, linked to the first', async () => {
    const { jobId, letterId } = await dead('again');
    scene.work = () => Promise.reject(new Error('still broken'));
    await redrive.redrive([letterId], order);
    await scene.until(jobId, 'failed');
    await scene.park();
    const second = await scene.letterOf(jobId);
    expect(second).toMatchObject({ status: 'dead', generation: 1, redriveCount: 1, redrivenFrom: letterId });
    expect(second.id).not.toBe(letterId);
    expect(second.attempts.length).toBeLessThanOrEqual(1);
  });

  it('of a job by its id parks the death first', async () => {
    const [jobId = ''] = await scene.kill(['unseen']);
    scene.work = ({ text }) => Promise.resolve(runs.push(text));
    const retry = scene.app.get(JobRetry);
    const wish = { by: 'tester', reason: 'now' };
    expect(await retry.retry(jobId, { ...wish, data: { text: 'seen' } })).toMatchObject({ kind: 'redriven' });
    await scene.until(jobId, 'completed');
    expect(runs).toEqual(['seen']);
    expect(await scene.letterOf(jobId)).toMatchObject({ status: 'redriven', payload: '{"text":"unseen"}' });
    expect(await retry.retry(jobId, wish)).toBe('wrong_state');
    expect(await retry.retry(`notes_${'x'.repeat(22)}`, wish)).toBe('not_found');
  });

  it('needs another payload where Redis held none that could be read', async () => {
    const jobId = await scene.add('spoiled', { delayMs: 60_000 });
    await scene.redis.hset(`${scene.base}:${jobId}`, 'data', '{"text');
    await scene.app.get(JobRetry).promote(jobId);
    await scene.until(jobId, 'failed');
    await scene.park();
    const { id, cause, payload } = await scene.letterOf(jobId);
    expect(cause).toBe('corrupt_data');
    expect(payload).toContain('{\\"text');
    expect(await redrive.redrive([id], order)).toMatchObject([
      { kind: 'refused', error: { message: expect.stringContaining('give it another one first') as string } },
    ]);
    scene.work = ({ text }) => Promise.resolve(runs.push(text));
    await scene.app.get(DeadLetterStore).edit(id, { text: 'repaired' }, order);
    await redrive.redrive([id], order);
    await scene.until(jobId, 'completed');
    expect(runs).toEqual(['repaired']);
  });

  it('is what a cancelled job can have, too, although it left no dead letter', async () => {
    scene.work = (_note, signal) =>
      new Promise((_done, fail) => signal.addEventListener('abort', () => fail(new Error('stopped'))));
    const jobId = await scene.add('cancelled');
    await scene.until(jobId, 'active');
    await scene.app.get(JobCancellation).cancel(jobId, order);
    await scene.until(jobId, 'cancelled');
    await scene.park();
    expect((await scene.letters()).some((letter) => letter.jobId === jobId)).toBe(false);
    scene.work = ({ text }) => Promise.resolve(runs.push(text));
    expect(await scene.app.get(JobRetry).retry(jobId, order)).toMatchObject({ kind: 'redriven' });
    await scene.until(jobId, 'completed');
    expect(await scene.app.get(JobReader).read(jobId)).toMatchObject({
      attemptsMade: 1,
      origin: { generation: 1 },
    });
  });
});
