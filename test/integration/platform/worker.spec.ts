import type { TestingModule } from '@nestjs/testing';
import { setTimeout as wait } from 'node:timers/promises';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { WorkerPresence } from '../../../src/platform/worker/worker-presence.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { NotesModule, NotesProducer, NoteWork } from '../../support/notes-queue';
import { RedisProcess } from '../../support/redis-process';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

describe('workers on a real Redis', () => {
  const apps = new Set<TestingModule>();
  let prefix = '';

  beforeEach(() => {
    prefix = randomPrefix();
  });
  afterEach(async () => {
    for (const app of apps) await app.close();
    apps.clear();
    const cleaner = await startQueueApp([], { REDIS_PREFIX: prefix });
    await removeKeys(cleaner, prefix);
    await cleaner.close();
  });

  async function start(run?: NoteWork['run'], overrides: Record<string, string> = {}) {
    const app = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix, ...overrides });
    apps.add(app);
    if (run !== undefined) app.get(NoteWork).run = run;
    const presence = new WorkerPresence(
      app.get(QueueRegistry),
      app.get(WorkerRunner),
      app.get(RedisConnections),
    );
    return {
      app,
      presence,
      runner: app.get(WorkerRunner),
      write: (text: string) => app.get(NotesProducer).write(text),
      read: (id: string) => app.get(JobReader).read(id),
      stop: async () => {
        apps.delete(app);
        await app.close();
      },
    };
  }
  const untilAborted: NoteWork['run'] = (_note, signal) => wait(60_000, undefined, { signal });

  it('lets a running job finish, which may still enqueue, before it stops', async () => {
    const other = await start();
    let followUp = '';
    const stopping = await start(async ({ text }) => {
      if (text !== 'first') return text;
      await wait(300);
      followUp = await stopping.write('second');
      return followUp;
    });
    const id = await stopping.write('first');
    stopping.runner.startChosen();
    await eventually(async () => expect((await other.read(id))?.state).toBe('active'));
    await stopping.stop();
    expect(await other.read(id)).toMatchObject({ state: 'completed', result: followUp, attemptsMade: 1 });
    expect((await other.read(followUp))?.state).toBe('waiting');
    expect(stopping.runner.hasCutJobsOff).toBe(false);
  });

  it('gives a job back when the deadline comes, without an attempt, to the next worker', async () => {
    const other = await start();
    const stopping = await start(untilAborted);
    const id = await stopping.write('long');
    stopping.runner.startChosen();
    await eventually(async () => expect((await other.read(id))?.state).toBe('active'));
    await stopping.stop();
    expect(await other.read(id)).toMatchObject({ state: 'waiting', attemptsMade: 0 });
    expect(stopping.runner.hasCutJobsOff).toBe(false);
    other.runner.startChosen();
    await eventually(async () => {
      expect(await other.read(id)).toMatchObject({ state: 'completed', attemptsMade: 1, result: 'long' });
    });
  });

  it('leaves a job behind that ignores its signal, and says so', async () => {
    let release: () => void = () => undefined;
    const stubborn = new Promise<void>((resolve) => {
      release = resolve;
    });
    const stopping = await start(() => stubborn, { SHUTDOWN_TIMEOUT_MS: '1000' });
    const id = await stopping.write('stubborn');
    stopping.runner.startChosen();
    await eventually(async () => expect((await stopping.read(id))?.state).toBe('active'));
    const stopped = stopping.app.get(WorkerRunner).beforeApplicationShutdown();
    await stopped;
    expect(stopping.runner.hasCutJobsOff).toBe(true);
    release();
  });

  it('starts a queue once, and no queue that it does not have', async () => {
    const { runner } = await start();
    expect(runner.start('notes')).toBe(true);
    expect(runner.start('notes')).toBe(false);
    expect(runner.runningQueues()).toEqual(['notes']);
    expect(() => runner.start('nope')).toThrow('no processor');
    const { runner: other } = await start(undefined, { WORKER_QUEUES: 'notes,nope' });
    expect(() => other.startChosen()).toThrow('WORKER_QUEUES names "nope"; the queues are notes.');
  });

  describe('one job by hand', () => {
    it('keeps its lock for as long as it takes', async () => {
      const { runner, write, read } = await start(async ({ text }) => {
        await wait(1_500);
        return text;
      });
      const id = await write('longer than the lock');
      expect((await runner.processNext('notes'))?.id).toBe(id);
      expect(await read(id)).toMatchObject({ state: 'completed', result: 'longer than the lock' });
      expect(await runner.processNext('notes')).toBeUndefined();
    });

    it('is retried and told of like any other', async () => {
      const { runner, write, read } = await start(() => Promise.reject(new Error('no')));
      const told: (string | undefined)[] = [];
      runner.onFailure((job) => told.push(job.id));
      const id = await write('x');
      await runner.processNext('notes');
      expect(await read(id)).toMatchObject({ state: 'delayed', attemptsMade: 1 });
      expect(told).toEqual([id]);
    });

    it('is given back when the server stops', async () => {
      const { runner, write, read, stop } = await start(untilAborted, { SHUTDOWN_TIMEOUT_MS: '15000' });
      const other = await start();
      const id = await write('x');
      const working = runner.processNext('notes');
      await eventually(async () => expect((await read(id))?.state).toBe('active'));
      await stop();
      await working;
      expect(await other.read(id)).toMatchObject({ state: 'waiting', attemptsMade: 0 });
    });
  });

  it('runs as many jobs at a time as the setting says, and no more', async () => {
    const release: (() => void)[] = [];
    const { runner, write, read } = await start(
      () => new Promise<void>((resolve) => void release.push(resolve)),
      { VALIDATION_CONCURRENCY: '3' },
    );
    const ids = await Promise.all(['a', 'b', 'c', 'd'].map((text) => write(text)));
    runner.startChosen();
    await eventually(() => expect(release).toHaveLength(3));
    const states = await Promise.all(ids.map((id) => read(id)));
    expect(states.filter((job) => job?.state === 'active')).toHaveLength(3);
    release.forEach((finish) => finish());
    await eventually(() => expect(release).toHaveLength(4));
    release.at(-1)?.();
  });

  it('closes within seconds when Redis is away, as long as nothing runs', async () => {
    const redis = await RedisProcess.start();
    const { runner, stop } = await start(undefined, { REDIS_URL: redis.url });
    runner.startChosen();
    await redis.kill();
    const startedAt = Date.now();
    await stop();
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    await redis.remove();
  });

  it('sees a worker of any process, but none that is only built', async () => {
    const idle = await start();
    const working = await start();
    expect(await idle.runner.processNext('notes')).toBeUndefined();
    expect(await idle.presence.isWorked('notes')).toBe(false);
    working.runner.startChosen();
    await eventually(async () => expect(await idle.presence.isWorked('notes')).toBe(true));
    expect(await working.presence.isWorked('notes')).toBe(true);
    expect(await idle.presence.isWorked('nope')).toBe(false);
  });
});
