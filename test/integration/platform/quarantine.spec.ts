import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { JobRemovals } from '../../../src/platform/queue/job-removals.service';
import type { JobSnapshot, JobState } from '../../../src/platform/queue/job-snapshot';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { Quarantine } from '../../../src/platform/worker/quarantine.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { NotesModule, NotesProducer, NoteWork } from '../../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

describe('jobs that nobody can read', () => {
  let prefix: string;
  let app: TestingModule;
  let runs: string[];

  beforeEach(async () => {
    prefix = randomPrefix();
    runs = [];
    app = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix, VALIDATION_CONCURRENCY: '1' });
    app.get(NoteWork).run = ({ text }) => Promise.resolve(runs.push(text));
  });
  afterEach(async () => {
    await app.close();
    const cleaner = await startQueueApp([], { REDIS_PREFIX: prefix });
    await removeKeys(cleaner, prefix);
    await cleaner.close();
  });

  const write = (text: string) => app.get(NotesProducer).write(text);
  const redis = () => app.get(RedisConnections).producer;
  const base = () => `${prefix}:notes:`;
  const queue = () => app.get<Queue>(getQueueToken('notes'));

  async function reaches(id: string, state: JobState, timeoutMs = 5_000): Promise<JobSnapshot> {
    let job: JobSnapshot | undefined;
    await eventually(async () => {
      job = await app.get(JobReader).read(id);
      expect(job?.state).toBe(state);
    }, timeoutMs);
    return job as unknown as JobSnapshot;
  }

  /** Takes the next job as a worker would that dies at once, with its lock still held or not. */
  async function takenByTheDead(id: string, isLockHeld: boolean): Promise<void> {
    await redis().lrem(`${base()}wait`, 1, id);
    await redis().lpush(`${base()}active`, id);
    await redis().hincrby(`${base()}${id}`, 'ats', 1);
    if (isLockHeld) await redis().set(`${base()}${id}:lock`, 'x', 'PX', 15_000);
  }

  it('die at their first start, and hold nobody up', async () => {
    const corrupt = await write('corrupt');
    const gone = await write('gone');
    const sound = await write('sound');
    await redis().hset(`${base()}${corrupt}`, 'data', '{"text":"corr');
    await redis().del(`${base()}${gone}`);
    app.get(WorkerRunner).startChosen();
    await reaches(sound, 'completed');
    expect(await reaches(corrupt, 'failed')).toMatchObject({
      type: 'write-note',
      data: '{"corrupt":"{\\"text\\":\\"corr"}',
      attempts: [{ start: 1, outcome: 'failed', cause: 'corrupt_data' }],
    });
    expect(await redis().hget(`${base()}${corrupt}`, 'hfRaw:data')).toBe('{"text":"corr');
    const missing = await reaches(gone, 'failed');
    expect(missing).toMatchObject({ type: 'unknown', data: '{}', attempts: [{ cause: 'missing_data' }] });
    expect(missing.createdAt).toBeGreaterThan(0);
    expect(runs).toEqual(['sound']);
    // BullMQ itself can list them, so that the dashboard can.
    expect(new Set((await queue().getFailed()).map(({ id }) => id))).toEqual(new Set([corrupt, gone]));
  });

  it.each([
    ['without a payload that is JSON', false, { data: 'no' }, 'corrupt_data'],
    ['with options that are no JSON, whoever holds the lock', true, { opts: '{' }, 'corrupt_data'],
    ['with progress that is no JSON', true, { progress: '{{' }, 'corrupt_data'],
  ] as const)('are put aside while active %s', async (_what, isLockHeld, fields, cause) => {
    const id = await write('x');
    await takenByTheDead(id, isLockHeld);
    await redis().hset(`${base()}${id}`, fields);
    expect(await app.get(Quarantine).sweep()).toBe(1);
    const job = await reaches(id, 'failed');
    expect(job.attempts).toMatchObject([{ start: 1, outcome: 'failed', cause }]);
    expect(job).toMatchObject({ attemptsMade: 1, failedReason: expect.stringContaining('not JSON') });
    expect(await redis().llen(`${base()}active`)).toBe(0);
    expect(await redis().exists(`${base()}${id}:lock`)).toBe(0);
    expect((await queue().getFailed()).map((failed) => failed.id)).toEqual([id]);
    expect(await app.get(Quarantine).sweep()).toBe(0);
  });

  it.each([true, false])(
    'are put aside when their record vanishes while active, lock held: %p',
    async (held) => {
      const id = await write('x');
      await takenByTheDead(id, held);
      await redis().del(`${base()}${id}`);
      expect(await app.get(Quarantine).sweep()).toBe(1);
      expect(await reaches(id, 'failed')).toMatchObject({ attempts: [{ cause: 'missing_data' }] });
      expect((await queue().getFailed()).map((failed) => failed.id)).toEqual([id]);
      // They can be looked at, and go like any other.
      const removal = { kind: 'removed', reason: 'seen', by: 'a test' } as const;
      expect(await app.get(JobRemovals).remove(id, removal)).toBe(true);
    },
  );

  it('are told from those that are only deep, large or at work', async () => {
    const deep = await write('deep');
    const nested = `${'['.repeat(2_000)}${']'.repeat(2_000)}`;
    await redis().hset(`${base()}${deep}`, 'data', `{"text":${nested}}`);
    await takenByTheDead(deep, false);
    const atWork = await write('at work');
    await takenByTheDead(atWork, true);
    await redis().hset(`${base()}${atWork}`, 'data', 'spoiled while it runs');
    expect(await app.get(Quarantine).sweep()).toBe(0);
    expect((await app.get(JobReader).read(atWork))?.state).toBe('active');
    expect((await app.get(JobReader).read(deep))?.state).toBe('active');
  });

  it('end within seconds when their record vanishes under a running handler', async () => {
    let release: () => void = () => undefined;
    app.get(NoteWork).run = () =>
      new Promise<void>((resolve) => {
        release = resolve;
      });
    app.get(WorkerRunner).startChosen();
    const id = await write('x');
    await reaches(id, 'active');
    await redis().del(`${base()}${id}`);
    release();
    expect(await reaches(id, 'failed', 15_000)).toMatchObject({
      attempts: [expect.objectContaining({ cause: 'missing_data' })],
    });
    app.get(NoteWork).run = ({ text }) => Promise.resolve(text);
    await reaches(await write('after'), 'completed');
  });
});
