import type { TestingModule } from '@nestjs/testing';
import { setTimeout as wait } from 'node:timers/promises';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { NotesModule, NotesProducer, NoteWork } from '../../support/notes-queue';
import { removeKeys, startQueueApp } from '../../support/queue-app';
import { RedisProcess } from '../../support/redis-process';

describe('workers whose commands Redis refuses', () => {
  const prefix = 'breaker';
  const apps = new Set<TestingModule>();
  let redis: RedisProcess;

  beforeAll(async () => {
    redis = await RedisProcess.start();
  }, 60_000);
  afterEach(async () => {
    await redis.query((client) => client.config('SET', 'maxmemory', '0'));
    for (const app of apps) await app.close();
    apps.clear();
    const cleaner = await startQueueApp([], { REDIS_PREFIX: prefix, REDIS_URL: redis.url });
    await removeKeys(cleaner, prefix);
    await cleaner.close();
  });
  afterAll(() => redis.remove());

  async function start(run?: NoteWork['run']) {
    const app = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix, REDIS_URL: redis.url });
    apps.add(app);
    if (run !== undefined) app.get(NoteWork).run = run;
    const runner = app.get(WorkerRunner);
    return {
      app,
      runner,
      write: (text: string) => app.get(NotesProducer).write(text),
      read: (id: string) => app.get(JobReader).read(id),
    };
  }

  /** How many commands Redis has refused so far. */
  const refusals = () =>
    redis.query(async (client) =>
      [...(await client.info('errorstats')).matchAll(/count=(\d+)/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      ),
    );

  it('pause instead of spinning while memory is full, say so, and go on by themselves', async () => {
    const { runner, write, read } = await start();
    runner.startChosen();
    const before = await write('before');
    await eventually(async () => expect((await read(before))?.state).toBe('completed'), 10_000);
    const waiting = await write('waits');
    await redis.query((client) => client.config('SET', 'maxmemory', '1'));
    await eventually(
      () => expect(runner.openBreakers()).toMatchObject([{ queue: 'notes', reason: 'OOM' }]),
      15_000,
    );
    const begun = await refusals();
    await wait(3_000);
    // Today's BullMQ alone: thousands a second.
    expect((await refusals()) - begun).toBeLessThan(50);
    await redis.query((client) => client.config('SET', 'maxmemory', '0'));
    const after = await write('after');
    await eventually(async () => expect((await read(after))?.state).toBe('completed'), 20_000);
    expect((await read(waiting))?.state).toBe('completed');
    await eventually(() => expect(runner.openBreakers()).toEqual([]), 15_000);
  }, 60_000);

  it('let a job that runs finish while they take no other', async () => {
    let finish: (text: string) => void = () => undefined;
    const { runner, write, read } = await start(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    runner.startChosen();
    const running = await write('runs');
    await eventually(async () => expect((await read(running))?.state).toBe('active'), 10_000);
    // The list of delayed jobs is a text: each fetch fails.
    await redis.query((client) => client.set(`${prefix}:notes:delayed`, 'spoiled'));
    await eventually(() => expect(runner.openBreakers()).toMatchObject([{ reason: 'WRONGTYPE' }]), 15_000);
    await redis.query((client) => client.del(`${prefix}:notes:delayed`));
    finish('done');
    await eventually(async () => expect((await read(running))?.state).toBe('completed'), 20_000);
  }, 60_000);

  it('end without delay when the server stops meanwhile', async () => {
    const { app, runner } = await start();
    runner.startChosen();
    await redis.query((client) => client.set(`${prefix}:notes:delayed`, 'spoiled'));
    await eventually(() => expect(runner.openBreakers()).toHaveLength(1), 15_000);
    const startedAt = performance.now();
    apps.delete(app);
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await redis.query((client) => client.del(`${prefix}:notes:delayed`));
  }, 60_000);
});
