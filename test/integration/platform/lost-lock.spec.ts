import type { TestingModule } from '@nestjs/testing';
import { AttemptLog } from '../../../src/platform/queue/attempt-log.service';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { LockLostError } from '../../../src/platform/queue/job-interruption';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { JobWorker } from '../../../src/platform/worker/job-worker';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { NotesModule, NotesProcessor, NotesProducer, NoteWork } from '../../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

describe('a worker that loses the lock of its job', () => {
  let prefix: string;
  const apps: TestingModule[] = [];

  beforeEach(() => {
    prefix = randomPrefix();
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    const cleaner = await startQueueApp([], { REDIS_PREFIX: prefix });
    await removeKeys(cleaner, prefix);
    await cleaner.close();
  });

  async function start(run: NoteWork['run']) {
    const app = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix });
    apps.push(app);
    app.get(NoteWork).run = run;
    return app;
  }

  it('hears of it through its signal, and what it does then does not count', async () => {
    const reasons: unknown[] = [];
    const zombie = await start(
      (_note, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            resolve('from the zombie');
          });
        }),
    );
    zombie.get(WorkerRunner).startChosen();
    const id = await zombie.get(NotesProducer).write('x');
    const redis = zombie.get(RedisConnections).producer;
    const lock = `${prefix}:notes:${id}:lock`;
    await eventually(async () => expect(await redis.exists(lock)).toBe(1), 10_000);
    // As if it had been frozen for longer than the lock, and another had the job.
    await redis.set(lock, 'of its successor', 'PX', 60_000);
    await eventually(() => expect(reasons).toHaveLength(1), 10_000);
    expect(reasons[0]).toBeInstanceOf(LockLostError);
    await eventually(() => expect(zombie.get(NotesProcessor).activeIds()).toEqual([]));
    expect(await zombie.get(JobReader).read(id)).toMatchObject({
      state: 'active',
      attempts: [],
      attemptsMade: 0,
    });
  });

  it('does not fail the job either, which its successor has', async () => {
    const zombie = await start(
      (_note, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('from the zombie')));
        }),
    );
    zombie.get(WorkerRunner).startChosen();
    const id = await zombie.get(NotesProducer).write('x', { attempts: 1 });
    const redis = zombie.get(RedisConnections).producer;
    const key = `${prefix}:notes:${id}`;
    await eventually(async () => expect(await redis.exists(`${key}:lock`)).toBe(1), 10_000);
    await redis.set(`${key}:lock`, 'of its successor', 'PX', 60_000);
    await eventually(() => expect(zombie.get(NotesProcessor).activeIds()).toEqual([]), 10_000);
    expect(await redis.hmget(key, 'failedReason', 'hfAttempts')).toEqual([null, null]);
    expect((await zombie.get(JobReader).read(id))?.state).toBe('active');
  });

  it('may take the job again itself, and then works it to its end', async () => {
    const lockDuration = 3_000;
    const ends: string[] = [];
    const app = await start(
      (_note, signal) =>
        new Promise((resolve) => {
          // Longer than its lock, which must be renewed although the zombie has ended meanwhile.
          if (ends.length > 0) {
            setTimeout(() => resolve('second'), lockDuration * 1.5);
            return;
          }
          signal.addEventListener('abort', () => {
            ends.push('zombie');
            resolve('first');
          });
        }),
    );
    const consumer = app.get(NotesProcessor);
    consumer.equip({ steps: [], log: app.get(AttemptLog) });
    const worker = new JobWorker(consumer, {
      connection: app.get(RedisConnections).worker,
      prefix,
      autorun: false,
      concurrency: 2,
      lockDuration,
      // Nobody else gives the job another start.
      skipStalledCheck: true,
    });
    worker.on('error', () => undefined);
    void worker.run();
    const id = await app.get(NotesProducer).write('x');
    const redis = app.get(RedisConnections).producer;
    await eventually(async () => expect(await redis.exists(`${prefix}:notes:${id}:lock`)).toBe(1), 10_000);
    // What a blocked loop leads to: the lock is gone, and a stalled check has put the job back.
    await redis
      .multi()
      .del(`${prefix}:notes:${id}:lock`)
      .lrem(`${prefix}:notes:active`, 1, id)
      .rpush(`${prefix}:notes:wait`, id)
      .zadd(`${prefix}:notes:marker`, 0, '0')
      .exec();
    await eventually(async () => {
      expect(await app.get(JobReader).read(id)).toMatchObject({
        state: 'completed',
        result: 'second',
        starts: 2,
        attempts: [{ start: 1, outcome: 'lost' }],
      });
    }, 20_000);
    expect(ends).toEqual(['zombie']);
    await worker.close();
  }, 40_000);
});
