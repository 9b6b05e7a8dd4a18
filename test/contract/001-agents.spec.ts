import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import { readSettings } from '../../src/config/read-settings';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { eventually } from '../support/eventually';
import { NotesModule, NotesProducer, NoteWork } from '../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../support/queue-app';

// A rejection takes milliseconds where nobody listens, two seconds where a name has to be looked up first.
const rejectsWithinMs = 10_000;

describe('document 001, the connection', () => {
  let app: TestingModule;
  const prefix = randomPrefix();

  beforeAll(async () => {
    app = await startQueueApp([], { REDIS_PREFIX: prefix });
  });
  afterAll(async () => {
    await removeKeys(app, prefix);
    await app.close();
  });

  it('answers PING with PONG, and gives back what was set', async () => {
    const { producer } = app.get(RedisConnections);
    expect(await producer.ping()).toBe('PONG');
    await producer.set(`${prefix}:test-key`, 'test-value');
    expect(await producer.get(`${prefix}:test-key`)).toBe('test-value');
    await producer.del(`${prefix}:test-key`);
  });

  it.each(['redis://127.0.0.1:9', 'redis://invalid:9999'])(
    'rejects a command instead of hanging when %s is not there',
    async (url) => {
      const connections = new RedisConnections(readSettings({ REDIS_URL: url, LOG_LEVEL: 'silent' }));
      const startedAt = performance.now();
      await expect(connections.producer.ping()).rejects.toThrow();
      expect(performance.now() - startedAt).toBeLessThan(rejectsWithinMs);
      connections.beforeApplicationShutdown();
      await connections.onApplicationShutdown();
    },
    30_000,
  );
});

describe('document 001, its tests of a queue', () => {
  let app: TestingModule;
  let queue: Queue;
  const prefix = randomPrefix();

  beforeAll(async () => {
    app = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix });
    queue = app.get<Queue>(getQueueToken('notes'));
    app.get(WorkerRunner).startChosen();
  });
  afterAll(async () => {
    await removeKeys(app, prefix);
    await app.close();
  });

  const works = (run: NoteWork['run']) => {
    app.get(NoteWork).run = run;
  };
  const write: NotesProducer['write'] = (...args) => app.get(NotesProducer).write(...args);
  const ends = async (id: string, state: string) => {
    await eventually(async () => expect((await app.get(JobReader).read(id))?.state).toBe(state), 5_000);
    return (await app.get(JobReader).read(id))!;
  };

  it('retries a failed job: the third of three attempts, 100 ms apart at first, succeeds', async () => {
    let attempts = 0;
    works(() => {
      attempts += 1;
      if (attempts < 3) return Promise.reject(new Error('Temporary failure'));
      return Promise.resolve({ success: true, attempts });
    });
    const id = await write('test', { attempts: 3, backoff: { type: 'exponential', delayMs: 100 } });
    expect(await ends(id, 'completed')).toMatchObject({
      result: { success: true, attempts: 3 },
      attemptsMade: 3,
    });
    expect(attempts).toBe(3);
  });

  it('moves a job that fails for good to the failed ones, with its reason', async () => {
    works(() => Promise.reject(new Error('Permanent failure')));
    const id = await write('test', { attempts: 1 });
    await ends(id, 'failed');
    const failed = await queue.getFailed();
    expect(failed.map((job) => job.id)).toEqual([id]);
    expect(failed[0]?.failedReason).toContain('Permanent failure');
  });

  it('tells of a job every field that getJobStatus of the document has, and nothing of an unknown one', async () => {
    works(() => Promise.reject(new Error('no')));
    const id = await write('status', { attempts: 1 });
    const status = await ends(id, 'failed');
    const stored = (await queue.getJob(id))!;
    expect({
      id: status.id,
      name: status.type,
      data: JSON.parse(status.data) as unknown,
      progress: status.progress,
      attemptsMade: status.attemptsMade,
      processedOn: status.startedAt,
      finishedOn: status.finishedAt,
      failedReason: status.failedReason,
      state: status.state,
    }).toEqual({
      id: stored.id,
      name: stored.name,
      data: stored.data,
      progress: stored.progress,
      attemptsMade: stored.attemptsMade,
      processedOn: stored.processedOn,
      finishedOn: stored.finishedOn,
      failedReason: stored.failedReason,
      state: await stored.getState(),
    });
    expect(await app.get(JobReader).read('notes_0000000000000000000000')).toBeUndefined();
  });

  it('stores urgent, high, normal and low as 1, 5, 10 and 15', async () => {
    const levels = ['urgent', 'high', 'normal', 'low'] as const;
    const ids = await Promise.all(levels.map((priority) => write(priority, { priority, delayMs: 60_000 })));
    const jobs = await Promise.all(ids.map((id) => queue.getJob(id)));
    expect(jobs.map((job) => job?.opts.priority)).toEqual([1, 5, 10, 15]);
  });
});
