import type { TestingModule } from '@nestjs/testing';
import type { Redis } from 'ioredis';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { JobGatherer } from '../../../src/platform/worker/job-gatherer';
import { eventually } from '../../support/eventually';
import {
  NotesModule,
  notesLock,
  NotesProcessor,
  notesQueue,
  NotesProducer,
  NoteWork,
} from '../../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';
import { Hold, NAME, WorkerScene } from '../../support/worker-scene';

const SLOTS = 20;
const JOBS = 50;

describe('a worker with free slots', () => {
  const prefix = randomPrefix();
  let app: TestingModule;
  let hold: Hold;
  let started: string[];

  beforeEach(async () => {
    notesLock.durationMs = 30_000;
    app = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix, VALIDATION_CONCURRENCY: String(SLOTS) });
    [hold, started] = [new Hold(), []];
    app.get(NoteWork).run = async ({ text }) => {
      started.push(text);
      await hold.promise;
      return text;
    };
  });
  afterEach(async () => {
    hold.release();
    await removeKeys(app, prefix);
    await app.close();
  });

  const base = `${prefix}:${notesQueue.name}`;
  const redis = () => app.get(RedisConnections).producer;
  const write = (from: number) =>
    Promise.all(Array.from({ length: JOBS }, (_, at) => app.get(NotesProducer).write(`note ${from + at}`)));
  const scriptCalls = () => {
    const worker = app.get(RedisConnections).worker as Redis;
    const send = worker.sendCommand.bind(worker);
    const calls = { count: 0 };
    worker.sendCommand = (command, stream) => {
      if (command.name.startsWith('eval')) calls.count += 1;
      return send(command, stream);
    };
    return calls;
  };

  it('takes as many as it has slots for in a few calls, each under a lock of its own', async () => {
    await write(0);
    const calls = scriptCalls();
    app.get(WorkerRunner).start(notesQueue.name);
    await eventually(() => expect(started).toHaveLength(SLOTS));
    expect(calls.count).toBeLessThan(SLOTS / 2);
    const active = await redis().lrange(`${base}:active`, 0, -1);
    expect(active).toHaveLength(SLOTS);
    const locks = await redis().mget(active.map((id) => `${base}:${id}:lock`));
    expect(new Set(locks).size).toBe(SLOTS);
    expect(locks).not.toContain(null);
    hold.release();
    await eventually(async () => expect(await redis().zcard(`${base}:completed`)).toBe(JOBS));
    expect(new Set(started).size).toBe(JOBS);
    expect(started).toHaveLength(JOBS);
  });

  it('does the same when it has waited for them', async () => {
    app.get(WorkerRunner).start(notesQueue.name);
    await eventually(async () => expect(await redis().exists(`${base}:stalled-check`)).toBe(1));
    const calls = scriptCalls();
    await write(100);
    await eventually(() => expect(started).toHaveLength(SLOTS));
    expect(calls.count).toBeLessThan(SLOTS);
    expect(await redis().llen(`${base}:active`)).toBe(SLOTS);
    hold.release();
    await eventually(async () => expect(await redis().zcard(`${base}:completed`)).toBe(JOBS));
    expect(started).toHaveLength(JOBS);
  });

  it('takes and ends a job that comes alone in a call each', async () => {
    hold.release();
    app.get(WorkerRunner).start(notesQueue.name);
    await eventually(async () => expect(await redis().exists(`${base}:stalled-check`)).toBe(1));
    const completed = (count: number) =>
      eventually(async () => expect(await redis().zcard(`${base}:completed`)).toBe(count));
    await app.get(NotesProducer).write('one before, which the worker may have looked for');
    await completed(1);
    const calls = scriptCalls();
    await app.get(NotesProducer).write('alone');
    await completed(2);
    expect(calls.count).toBe(2);
  });

  it('finds what is added in the moment in which it hears that nothing waits', async () => {
    hold.release();
    app.get(WorkerRunner).start(notesQueue.name);
    for (let number = 0; number < JOBS; number += 1) {
      await app.get(NotesProducer).write(`note ${number}`);
    }
    // Well before a worker that has missed one would look by itself, after five seconds.
    await eventually(async () => expect(await redis().zcard(`${base}:completed`)).toBe(JOBS), 2_500);
  });

  it('begins a delayed job when it is due, having heard that nothing waits before that', async () => {
    hold.release();
    app.get(WorkerRunner).start(notesQueue.name);
    await eventually(async () => expect(await redis().exists(`${base}:stalled-check`)).toBe(1));
    await app.get(NotesProducer).write('later', { delayMs: 700 });
    await app.get(NotesProducer).write('at once');
    await eventually(async () => expect(await redis().zcard(`${base}:completed`)).toBe(2), 3_000);
    expect(started).toEqual(['at once', 'later']);
  });

  it('puts back what it has taken when it is stopped before it has begun', async () => {
    await write(300);
    app.get(WorkerRunner).start(notesQueue.name);
    const { worker } = app.get(NotesProcessor);
    const backend = worker.getBackend();
    const take = backend.moveToActive.bind(backend);
    backend.moveToActive = (token, name) => {
      const taken = take(token, name);
      void worker.pause(true);
      return taken;
    };
    await eventually(() => expect(started).toHaveLength(1));
    await eventually(async () => expect(await redis().llen(`${base}:active`)).toBe(1));
    expect((await redis().llen(`${base}:wait`)) + (await redis().zcard(`${base}:prioritized`))).toBe(
      JOBS - 1,
    );
    backend.moveToActive = take;
    hold.release();
    await worker.resume();
    await eventually(async () => expect(await redis().zcard(`${base}:completed`)).toBe(JOBS));
    expect(started).toHaveLength(JOBS);
  });

  it('knows each by the token of its lock, with which it is renewed', async () => {
    await write(200);
    app.get(WorkerRunner).start(notesQueue.name);
    await eventually(() => expect(started).toHaveLength(SLOTS));
    const active = await redis().lrange(`${base}:active`, 0, -1);
    const processor = app.get(NotesProcessor);
    for (const id of active) {
      const lock = String(await redis().get(`${base}:${id}:lock`));
      expect(processor.interrupt(id, new Error('of another start'), `${lock}0`)).toBe(false);
      expect(processor.interrupt(id, new Error('enough'), lock)).toBe(true);
    }
  });
});

describe('jobs that were taken with others', () => {
  let scene: WorkerScene;
  beforeEach(() => (scene = new WorkerScene(true)));
  afterEach(async () => {
    jest.restoreAllMocks();
    await scene.close();
  });

  const install = (free: number) => {
    const worker = scene.stopped();
    const backend = worker.getBackend();
    const left: string[] = [];
    const giveBack = ({ token }: { readonly token: string }) => void left.push(token);
    const options = {
      lockDuration: 30_000,
      name: 'tester',
      concurrency: 50,
      freeSlots: () => free,
      giveBack,
    };
    return { backend, left, gatherer: JobGatherer.install(backend, scene.redis, options)! };
  };

  it('are handed out one after the other, each with the token that it is locked with', async () => {
    await scene.add(12);
    const { backend, gatherer } = install(5);
    const ids: unknown[] = [];
    // As a worker does it: nothing is waited for in between.
    for (const at of [0, 1, 2]) ids.push((await backend.moveToActive(`token ${at}`, 'tester'))[1]);
    expect(ids).toEqual(['j0', 'j1', 'j2']);
    for (const id of ['j0', 'j1', 'j2'])
      expect(await scene.redis.get(`${scene.prefix}:${NAME}:${id}:lock`)).toBe(gatherer.takeToken(id));
    expect(await scene.queue.getActiveCount()).toBe(3);
  });

  it('are put back when nobody asks for them at once', async () => {
    await scene.add(12);
    const { backend, left } = install(3);
    await backend.moveToActive('token', 'tester');
    await eventually(() => expect(left).toEqual(['token:2', 'token:3']));
    expect((await backend.moveToActive('other', 'tester'))[1]).toBe('j3');
  });

  it('are no more than the worker has slots, however often it asks at once', async () => {
    await scene.add(20);
    const { backend } = install(5);
    await Promise.all([backend.moveToActive('one', 'tester'), backend.moveToActive('other', 'tester')]);
    expect(await scene.queue.getActiveCount()).toBe(6);
  });

  it('are a quarter of what waits at most, so that other workers with free slots get theirs', async () => {
    await scene.add(8);
    const { backend } = install(8);
    await backend.moveToActive('one', 'tester');
    expect(await scene.queue.getActiveCount()).toBe(2);
  });

  it('bring with the last of them that nothing waits, and wake nobody for it', async () => {
    const { backend } = install(5);
    // Its script is known to Redis from then on.
    await backend.moveToActive('before', 'tester');
    await scene.add(1);
    // As the worker that has woken leaves it.
    await scene.redis.del(`${scene.prefix}:${NAME}:marker`);
    const asked = jest.spyOn(scene.redis, 'sendCommand');
    expect((await backend.moveToActive('token', 'tester'))[1]).toBe('j0');
    expect(await backend.moveToActive('other', 'tester')).toEqual([null, 0, 0, 0]);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(await scene.redis.zcard(`${scene.prefix}:${NAME}:marker`)).toBe(0);
  });

  it('are none where nothing waits', async () => {
    expect(await install(5).backend.moveToActive('token', 'tester')).toEqual([null, 0, 0, 0]);
  });

  it('wait while their queue is paused, and tell when the next delayed one is due', async () => {
    await scene.add(2);
    await scene.queue.pause();
    const { backend } = install(5);
    expect((await backend.moveToActive('token', 'tester'))[0]).toBeNull();
    await scene.queue.resume();
    await scene.queue.add('job', {}, { jobId: 'later', delay: 60_000 });
    const [, id] = await backend.moveToActive('token', 'tester');
    expect(id).toBe('j0');
    await backend.moveToActive('token', 'tester');
    const [data, , , due] = await backend.moveToActive('token', 'tester');
    expect(data).toBeNull();
    expect(due).toBeGreaterThan(Date.now());
  });

  it('are handed out when the first of them cannot be read', async () => {
    await scene.add(12);
    await scene.redis.set(`${scene.prefix}:${NAME}:j0`, 'no hash');
    const { backend, gatherer } = install(5);
    const ids: unknown[] = [];
    for (const at of [0, 1]) ids.push((await backend.moveToActive(`token ${at}`, 'tester'))[1]);
    expect(ids).toEqual(['j1', 'j2']);
    for (const id of ['j1', 'j2'])
      expect(await scene.redis.get(`${scene.prefix}:${NAME}:${id}:lock`)).toBe(gatherer.takeToken(id));
  });

  it('are lost by no spoiled key of the queue', async () => {
    await scene.add(4);
    const { backend } = install(5);
    await scene.redis.set(`${scene.prefix}:${NAME}:active`, 'no list');
    await expect(backend.moveToActive('token', 'tester')).rejects.toThrow(/WRONGTYPE/);
    expect(await scene.queue.getWaitingCount()).toBe(4);
    await scene.redis.del(`${scene.prefix}:${NAME}:active`);
    await scene.redis.set(`${scene.prefix}:${NAME}:prioritized`, 'no set');
    expect((await backend.moveToActive('token', 'tester'))[1]).toBe('j0');
    expect((await backend.moveToActive('token', 'tester'))[1]).toBe('j1');
    expect(await scene.queue.getWaitingCount()).toBe(2);
  });
});
