import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import { setTimeout as wait } from 'node:timers/promises';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { JobRemovals } from '../../../src/platform/queue/job-removals.service';
import type { JobSnapshot, JobState } from '../../../src/platform/queue/job-snapshot';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { NotesModule, NotesProducer, NoteWork } from '../../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

const wish = { reason: 'not needed', by: 'a test' };

describe('cancelling a job on a real Redis', () => {
  const prefix = randomPrefix();
  let api: TestingModule;
  let worker: TestingModule;
  const failures: [string | undefined, boolean][] = [];

  beforeAll(async () => {
    api = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix });
    worker = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix, VALIDATION_CONCURRENCY: '3' });
    worker.get(WorkerRunner).onFailure((job, _error, isFinal) => failures.push([job.id, isFinal]));
    worker.get(WorkerRunner).startChosen();
  });
  afterAll(async () => {
    await worker.close();
    await removeKeys(api, prefix);
    await api.close();
  });
  afterEach(() => works(({ text }) => Promise.resolve(text)));

  const works = (run: NoteWork['run']) => {
    worker.get(NoteWork).run = run;
  };
  const write = (...args: Parameters<NotesProducer['write']>) => api.get(NotesProducer).write(...args);
  const read = (id: string) => api.get(JobReader).read(id);
  const cancel = (id: string) => api.get(JobCancellation).cancel(id, wish);
  const redis = () => api.get(RedisConnections).producer;
  const untilAborted: NoteWork['run'] = (_note, signal) => wait(60_000, undefined, { signal });

  async function reaches(id: string, state: JobState, timeoutMs = 5_000): Promise<JobSnapshot> {
    let job: JobSnapshot | undefined;
    await eventually(async () => {
      job = await read(id);
      expect(job?.state).toBe(state);
    }, timeoutMs);
    return job as unknown as JobSnapshot;
  }

  it('removes one that waits at once, after telling who wants to know', async () => {
    const told: unknown[] = [];
    api.get(JobRemovals).beforeRemoval(async (job, removal) => {
      expect(await read(job.id)).toBeDefined();
      told.push([job.id, job.state, removal]);
    });
    const id = await write('x', { delayMs: 60_000 });
    expect(await cancel(id)).toBe('removed');
    expect(await read(id)).toBeUndefined();
    expect(told).toEqual([[id, 'delayed', { kind: 'cancelled', ...wish }]]);
  });

  it('keeps the job when somebody who has to know of it cannot be told', async () => {
    const other = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix });
    const undone: string[] = [];
    other.get(JobRemovals).beforeRemoval(async (job) => () => void undone.push(job.id));
    other.get(JobRemovals).beforeRemoval(() => Promise.reject(new Error('the history is away')));
    const id = await write('x', { delayMs: 60_000 });
    await expect(other.get(JobCancellation).cancel(id, wish)).rejects.toThrow('the history is away');
    expect((await read(id))?.state).toBe('delayed');
    expect(undone).toEqual([id]);
    await other.close();
  });

  it('stops one that runs in another process within a second, for good, and says who wanted it', async () => {
    works(untilAborted);
    const id = await write('x');
    await reaches(id, 'active');
    const startedAt = performance.now();
    expect(await cancel(id)).toBe('requested');
    const job = await reaches(id, 'cancelled');
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(job).toMatchObject({
      attemptsMade: 1,
      attemptsMax: 3,
      failedName: 'JobCancelledError',
      failedReason: 'The job was cancelled by a test: not needed',
    });
    expect(job.attempts).toMatchObject([{ start: 1, outcome: 'cancelled' }]);
    expect(job.attempts[0]).not.toHaveProperty('cause');
    expect(await redis().hget(`${prefix}:notes:${id}`, 'hfCancel')).toBeNull();
    await eventually(() => expect(failures).toContainEqual([id, true]));
    expect(await cancel(id)).toBe('finished');
  });

  it('finds the mark without the call', async () => {
    works(untilAborted);
    const id = await write('x');
    await reaches(id, 'active');
    await redis().hset(`${prefix}:notes:${id}`, 'hfCancel', JSON.stringify(wish));
    expect((await reaches(id, 'cancelled')).failedReason).toContain('a test: not needed');
  });

  it('leaves a handler alone that does not listen, and does not take what it says later', async () => {
    let release: ((value: string) => void) | undefined;
    works(
      () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    );
    const id = await write('stubborn');
    await eventually(() => Promise.resolve(expect(release).toBeDefined()));
    await cancel(id);
    await reaches(id, 'cancelled', 15_000);
    release?.('late');
    works(({ text }) => Promise.resolve(text));
    await reaches(await write('after'), 'completed');
    expect((await read(id))?.state).toBe('cancelled');
  });

  it('ends a job that failed by itself in the same moment, instead of trying it again', async () => {
    let fail: ((error: Error) => void) | undefined;
    works(
      () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    );
    const id = await write('x');
    await eventually(() => Promise.resolve(expect(fail).toBeDefined()));
    // Hardly ever is there a look between the two.
    await redis().hset(`${prefix}:notes:${id}`, 'hfCancel', JSON.stringify(wish));
    fail?.(new Error('by itself'));
    const job = await reaches(id, 'cancelled');
    expect(job).toMatchObject({ attemptsMade: 1, failedName: 'JobCancelledError' });
    expect(job.attempts).toMatchObject([{ outcome: 'cancelled' }]);
  });

  it('ends one whose worker died before it heard of it, at its next start', async () => {
    const queue = api.get<Queue>(getQueueToken('notes'));
    await queue.pause();
    const id = await write('x');
    await redis().hset(`${prefix}:notes:${id}`, { ats: 1, hfCancel: JSON.stringify(wish) });
    await queue.resume();
    const { attempts } = await reaches(id, 'cancelled');
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['lost', 'cancelled']);
  });

  it('answers for jobs that are through, and for those that never were', async () => {
    const id = await write('x');
    await reaches(id, 'completed');
    expect(await cancel(id)).toBe('finished');
    expect(await cancel('notes_0000000000000000000000')).toBe('unknown');
    expect(await cancel('nope')).toBe('unknown');
    expect(await api.get(JobRemovals).remove(id, { kind: 'removed', ...wish })).toBe(true);
    expect(await cancel(id)).toBe('unknown');
  });

  it('holds for each of many at once, whatever they are doing', async () => {
    works(({ text }, signal) => (text === 'quick' ? Promise.resolve(text) : untilAborted({ text }, signal)));
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        write(at % 2 === 0 ? 'quick' : 'slow', at % 3 === 0 ? { delayMs: 50 } : {}),
      ),
    );
    const answers = await Promise.all(ids.map((id) => cancel(id)));
    expect(answers).not.toContain('unknown');
    await eventually(async () => {
      for (const [at, id] of ids.entries()) {
        const state = (await read(id))?.state;
        if (answers[at] === 'removed') expect(state).toBeUndefined();
        if (answers[at] === 'finished') expect(state).toBe('completed');
        if (answers[at] === 'requested') expect(['cancelled', 'completed']).toContain(state);
      }
    }, 10_000);
  });
});
