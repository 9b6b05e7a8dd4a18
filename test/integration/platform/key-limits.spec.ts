import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import { UnrecoverableError, type Job, type Queue } from 'bullmq';
import {
  KeyLimitStore,
  MAX_OWN_LIMITS_OF_TENANT,
} from '../../../src/platform/key-limits/key-limit-store.service';
import { LimitedQueue } from '../../../src/platform/key-limits/permit-calls';
import { PermitReconciler } from '../../../src/platform/key-limits/permit-reconciler.service';
import { addPrepared, prepareJob, type AddOptions } from '../../../src/platform/queue/add-job';
import { JobEdits } from '../../../src/platform/queue/job-edits.service';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { JobRemovals } from '../../../src/platform/queue/job-removals.service';
import { JobSets } from '../../../src/platform/queue/job-sets.service';
import { QueueCounter } from '../../../src/platform/queue/queue-counts.service';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';
import { RedisProcess } from '../../support/redis-process';
import {
  sourceLimits,
  sourcesQueue,
  SourcesModule,
  SourcesProducer,
  SourceWork,
  type FetchPayload,
} from '../../support/sources/sources-queue';
import { answers } from '../../support/sources/redis-answers';

/** A promise that a test keeps when it likes. */
class Hold {
  release!: () => void;
  readonly promise = new Promise<void>((resolve) => (this.release = resolve));
}

describe('limits per key', () => {
  const apps: TestingModule[] = [];

  async function open(limits: Partial<typeof sourceLimits> = {}, settings: Record<string, string> = {}) {
    const usual = { rate: undefined, concurrency: undefined, slots: 10, hasPriorities: false };
    Object.assign(sourceLimits, usual, limits);
    const prefix = randomPrefix();
    const app = await startQueueApp([SourcesModule], { REDIS_PREFIX: prefix, ...settings });
    apps.push(app);
    const queue = app.get<Queue>(getQueueToken('sources'));
    const entry = app.get(QueueRegistry).get('sources')!;
    const redis = app.get(RedisConnections).producer;
    const base = `${prefix}:sources:`;
    return {
      app,
      prefix,
      queue,
      entry,
      redis,
      base,
      work: app.get(SourceWork),
      producer: app.get(SourcesProducer),
      store: app.get(KeyLimitStore),
      reader: app.get(JobReader),
      start: () => app.get(WorkerRunner).start('sources'),
      add: async (source: string, count: number, options: AddOptions = {}) => {
        const prepared = await Promise.all(
          Array.from({ length: count }, (_, number) =>
            prepareJob(sourcesQueue, queue, 'fetch-one', { source, number }, options),
          ),
        );
        await addPrepared(sourcesQueue, queue, prepared);
        return prepared.map(({ id }) => id);
      },
      counts: () => app.get(QueueCounter).count(entry),
      until: (what: Partial<Awaited<ReturnType<QueueCounter['count']>>>, ms = 20_000) =>
        eventually(async () => expect(await app.get(QueueCounter).count(entry)).toMatchObject(what), ms),
      /** Everything that is kept of keys, but for their names, limits and counters. */
      leftOvers: async () => {
        const sizes = await Promise.all([
          redis.hlen(`${base}keys:permits`),
          redis.hlen(`${base}keys:running`),
          redis.hlen(`${base}keys:ready`),
          redis.zcard(`${base}keys:ring`),
          redis.zcard(`${base}keys:later`),
          redis.scard(`${base}keys:blocked`),
          redis.hlen(`${base}keys:line`),
        ]);
        return { sizes, held: await redis.keys(`${base}keys:held:*`) };
      },
    };
  }

  const nothing = { sizes: [0, 0, 0, 0, 0, 0, 0], held: [] };

  afterEach(async () => {
    for (const app of apps.splice(0).toReversed()) {
      const prefix = app.get<Queue>(getQueueToken('sources')).opts.prefix!;
      const before = app.get(RedisConnections).producer;
      await app.get(WorkerRunner).beforeApplicationShutdown();
      if (before.status === 'ready') await removeKeys(app, prefix);
      await app.close();
    }
  });

  it('runs the jobs of all keys and leaves nothing behind', async () => {
    const scene = await open({ rate: { max: 10_000, durationMs: 1_000 }, concurrency: 5 });
    for (const source of ['a', 'b', 'c']) await scene.add(source, 100);
    expect(await scene.counts()).toMatchObject({ waiting: 300, held: 285, delayed: 0, prioritized: 0 });
    scene.start();
    await scene.until({ completed: 300, waiting: 0, active: 0, delayed: 0 });
    await eventually(async () => expect(await scene.leftOvers()).toEqual(nothing));
  });

  it('takes turns: a small key that comes late ends before a tenth of a large one', async () => {
    const scene = await open({ rate: { max: 1_000, durationMs: 1_000 }, slots: 10 });
    const ends: string[] = [];
    scene.work.run = ({ source }) => Promise.resolve(ends.push(source));
    await scene.add('large', 5_000);
    await scene.add('small', 10);
    scene.start();
    await eventually(() => expect(ends.filter((source) => source === 'small')).toHaveLength(10), 20_000);
    expect(ends.lastIndexOf('small')).toBeLessThan(500);
    await scene.until({ completed: 5_010 }, 30_000);
  });

  it('lines up one job of each key for a round, and lets nobody into a round that is over', async () => {
    const scene = await open({ slots: 2 });
    const large = await scene.add('large', 5);
    const small = await scene.add('small', 2);
    const roundOf = async (id = '') =>
      Number(await scene.redis.zscore(`${scene.base}prioritized`, id)) % 2 ** 32;
    expect(await Promise.all(large.map(roundOf))).toEqual([1, 2, 3, 4, 5]);
    expect(await Promise.all(small.map(roundOf))).toEqual([1, 2]);
    const hold = new Hold();
    let started = 0;
    scene.work.run = async () => {
      started += 1;
      if (started > 4) await hold.promise;
    };
    scene.start();
    await scene.until({ completed: 4, active: 2, waiting: 1 });
    // Two rounds are over and two run: who comes now is in the fifth, beside the last of the others.
    const [late = ''] = await scene.add('late', 1);
    expect([await roundOf(late), await roundOf(large.at(-1))]).toEqual([5, 5]);
    hold.release();
    await scene.until({ completed: 8 });
  });

  it('runs the jobs of one key in the order of their arrival, whether they stand in line or are held', async () => {
    const scene = await open({ concurrency: 1, slots: 5 });
    const seen: Record<string, number[]> = { a: [], b: [] };
    const hold = new Hold();
    scene.work.run = async ({ source, number }) => {
      seen[source]!.push(number);
      if (source === 'a' && number === 10) await hold.promise;
    };
    for (const source of ['a', 'b']) await scene.add(source, 60);
    scene.start();
    await eventually(() => expect(seen['a']).toContain(10));
    for (let number = 60; number < 90; number += 1) await scene.producer.fetch('a', number);
    hold.release();
    await scene.until({ completed: 150, waiting: 0, active: 0 });
    expect(seen).toEqual({
      a: Array.from({ length: 90 }, (_, number) => number),
      b: Array.from({ length: 60 }, (_, number) => number),
    });
    await eventually(async () => expect(await scene.leftOvers()).toEqual(nothing));
  });

  it('lines up what it has stored where one of the jobs cannot be', async () => {
    const scene = await open();
    const prepared = await Promise.all(
      [0, 1, 2].map((number) => prepareJob(sourcesQueue, scene.queue, 'fetch-one', { source: 'a', number })),
    );
    await scene.redis.set(`${scene.base}${prepared[1]!.id}`, 'no hash');
    await expect(addPrepared(sourcesQueue, scene.queue, prepared)).rejects.toThrow('WRONGTYPE');
    expect(await scene.redis.zrange(`${scene.base}prioritized`, '0', '-1')).toEqual([prepared[0]!.id]);
    scene.start();
    await scene.until({ completed: 1, waiting: 0, active: 0 });
    await scene.redis.del(`${scene.base}${prepared[1]!.id}`);
    await addPrepared(sourcesQueue, scene.queue, prepared);
    await scene.until({ completed: 3, waiting: 0, active: 0 });
  });

  it.each(['running', 'permits', 'line', 'tat'])(
    'loses no job where %s of its keys is spoiled, and goes on when it is mended',
    async (name) => {
      const scene = await open({ rate: { max: 1_000, durationMs: 1_000 }, slots: 4 });
      const hold = new Hold();
      let started = 0;
      scene.work.run = () => {
        started += 1;
        return started > 20 ? hold.promise : Promise.resolve();
      };
      for (let key = 0; key < 10; key += 1) await scene.add(`key ${key}`, 10);
      scene.start();
      await scene.until({ completed: 20, active: 4 });
      const spoiled = `${scene.base}keys:${name}`;
      await scene.redis.multi().del(spoiled).set(spoiled, 'something else').exec();
      hold.release();
      await eventually(async () => {
        const { waiting, active, completed, delayed, failed } = await scene.counts();
        expect(completed).toBeGreaterThanOrEqual(24);
        expect(waiting + active + completed + delayed + failed).toBe(100);
      });
      await scene.redis.del(spoiled);
      await scene.until({ completed: 100, waiting: 0, active: 0, failed: 0 }, 40_000);
    },
    60_000,
  );

  it('takes the permit of a job that somebody delays after it was let in', async () => {
    const scene = await open({ concurrency: 1 });
    const limited = new LimitedQueue(scene.redis, scene.prefix, sourcesQueue, { concurrency: 1 });
    const [id = '', next = ''] = await scene.add('a', 2, { delayMs: 60_000 });
    for (const one of [id, next])
      await scene.app.get(JobEdits).edit((await scene.reader.read(one))!, { delayMs: 0 }, false);
    await limited.dispense([5, 0]);
    expect(await scene.redis.zrange(`${scene.base}prioritized`, '0', '-1')).toEqual([id]);
    expect(await scene.redis.hget(`${scene.base}${id}`, 'hfPermit')).not.toBeNull();
    const job = (await scene.reader.read(id))!;
    expect(await scene.app.get(JobEdits).edit(job, { delayMs: 60_000 }, false)).toBe('edited');
    expect(await scene.redis.hget(`${scene.base}${id}`, 'hfPermit')).toBeNull();
    await limited.dispense([5, 0]);
    expect(await scene.redis.zrange(`${scene.base}prioritized`, '0', '-1')).toEqual([next]);
  });

  it('never runs more jobs of a key than it may have, whatever the keys and how long they take', async () => {
    const scene = await open({ concurrency: 3, slots: 20 });
    const running = new Map<string, number>();
    let most = 0;
    let mostAtAll = 0;
    scene.work.run = async ({ source, number }) => {
      running.set(source, (running.get(source) ?? 0) + 1);
      most = Math.max(most, ...running.values());
      mostAtAll = Math.max(
        mostAtAll,
        [...running.values()].reduce((sum, count) => sum + count, 0),
      );
      await answers(scene.redis, 1 + ((number * 7) % 13));
      running.set(source, running.get(source)! - 1);
      if (number % 10 === 0) throw new Error('no');
    };
    for (let key = 0; key < 12; key += 1) await scene.add(`key ${key}`, 20 + key * 5, { attempts: 2 });
    scene.start();
    await scene.until({ waiting: 0, active: 0, delayed: 0 }, 40_000);
    expect(most).toBe(3);
    // Keys that must wait keep no slot from the others.
    expect(mostAtAll).toBe(20);
    await eventually(async () => expect(await scene.leftOvers()).toEqual(nothing));
  });

  it('lets other keys run while one waits for its rate, without a slot or an attempt', async () => {
    const scene = await open({ rate: { max: 1, durationMs: 60_000 }, slots: 2 });
    const slow = await scene.add('slow', 20);
    scene.start();
    await scene.until({ completed: 1, active: 0, waiting: 19 });
    for (let key = 0; key < 30; key += 1) await scene.add(`other ${key}`, 1);
    await scene.until({ completed: 31, active: 0, waiting: 19, held: 19, delayed: 0 });
    const jobs = await Promise.all(slow.map((id) => scene.reader.read(id)));
    expect(jobs.filter((job) => job?.state === 'waiting')).toHaveLength(19);
    expect(jobs.every((job) => job?.state !== 'waiting' || job.starts === 0)).toBe(true);
    const waiting = jobs.find((job) => job?.state === 'waiting');
    expect(waiting).toMatchObject({ heldFor: 'slow' });
    expect(waiting?.runAt).toBeUndefined();
    const hold = await scene.store.hold(scene.entry, 'slow');
    expect(hold.reason).toBe('rate');
    expect(hold.nextAt).toBeGreaterThan(Date.now() + 30_000);
  });

  it('begins a retry only when its key may, and burns no attempt on the way', async () => {
    const scene = await open({ concurrency: 1, slots: 5 });
    const hold = new Hold();
    const seen: number[] = [];
    scene.work.run = async ({ number }, { attemptsMade }) => {
      seen.push(number);
      if (number === 0 && attemptsMade === 0) throw new Error('once');
      if (number === 1) await hold.promise;
    };
    const [first = ''] = await scene.add('a', 1, { attempts: 2 });
    scene.start();
    await scene.until({ delayed: 1 });
    await scene.producer.fetch('a', 1);
    await eventually(() => expect(seen).toEqual([0, 1]));
    // The backoff is over, and the other job of the key still runs.
    await scene.until({ delayed: 0, active: 1, held: 1 });
    expect(await scene.reader.read(first)).toMatchObject({ state: 'waiting', attemptsMade: 1, starts: 1 });
    await scene.producer.fetch('a', 2);
    hold.release();
    await scene.until({ completed: 3 });
    // It comes before those that were added later.
    expect(seen).toEqual([0, 1, 0, 2]);
    expect(await scene.reader.read(first)).toMatchObject({ attemptsMade: 2, starts: 2 });
    await eventually(async () => expect(await scene.leftOvers()).toEqual(nothing));
  });

  it('limits jobs that were added past it, that were delayed and that are sent back', async () => {
    const scene = await open({ concurrency: 1, slots: 5 });
    let running = 0;
    let most = 0;
    scene.work.run = async ({ number }, job) => {
      running += 1;
      most = Math.max(most, running);
      await answers(scene.redis, 10);
      running -= 1;
      if (number === 0 && job.name !== 'x') throw new UnrecoverableError('no');
    };
    await scene.queue.addBulk(
      [1, 2, 3, 4].map((number) => ({ name: 'fetch-one', data: { source: 'a', number } })),
    );
    await Promise.all([1, 2, 3].map((number) => scene.producer.fetch('a', number, { delayMs: 50 })));
    await scene.add('a', 1);
    scene.start();
    await scene.until({ completed: 7, failed: 1 });
    const [failed] = await scene.queue.getFailed();
    await failed!.retry();
    await scene.add('a', 5);
    await scene.until({ completed: 11, failed: 2, waiting: 0, active: 0 });
    expect(most).toBe(1);
    await eventually(async () => expect(await scene.leftOvers()).toEqual(nothing));
  });

  it('runs the jobs of one key by priority', async () => {
    const scene = await open({ concurrency: 1, slots: 1, hasPriorities: true });
    const seen: number[] = [];
    scene.work.run = ({ number }) => Promise.resolve(seen.push(number));
    await scene.producer.fetch('a', 3, { priority: 'low' });
    await scene.producer.fetch('a', 2);
    const last = await scene.producer.fetch('a', 1);
    const job = (await scene.reader.read(last))!;
    expect(await scene.app.get(JobEdits).edit(job, { priority: 'urgent' }, false)).toBe('edited');
    scene.start();
    await scene.until({ completed: 3 });
    expect(seen).toEqual([1, 2, 3]);
  });

  it('goes by changed payloads and delays', async () => {
    const scene = await open({ concurrency: 1 });
    const id = await scene.producer.fetch('a', 1);
    const edits = scene.app.get(JobEdits);
    const read = async () => (await scene.reader.read(id))!;
    expect(await edits.edit(await read(), { payload: { source: 'b', number: 1 } }, true)).toBe('edited');
    expect(await read()).toMatchObject({ state: 'waiting', inLineOf: 'b' });
    expect(await scene.store.page(scene.entry, '', 10)).toMatchObject([{ key: 'a', waiting: 0 }]);
    expect(await scene.store.state(scene.entry, 'b')).toMatchObject({ waiting: 1 });
    expect(await edits.edit(await read(), { delayMs: 60_000 }, false)).toBe('edited');
    expect(await read()).toMatchObject({ state: 'delayed' });
    expect(await scene.store.state(scene.entry, 'b')).toMatchObject({ waiting: 0 });
    expect(await scene.counts()).toMatchObject({ delayed: 1, held: 0, waiting: 0 });
    expect(await edits.edit(await read(), { delayMs: 0 }, false)).toBe('edited');
    expect(await read()).toMatchObject({ state: 'waiting', heldFor: 'b' });
    scene.start();
    await scene.until({ completed: 1 });
    await eventually(async () => expect(await scene.leftOvers()).toEqual(nothing));
  });

  it('frees what removed jobs had, whoever removed them', async () => {
    const scene = await open({ concurrency: 2, slots: 1 });
    const hold = new Hold();
    scene.work.run = () => hold.promise;
    const ids = await scene.add('a', 7);
    scene.start();
    // One runs and one stands in line.
    await scene.until({ active: 1, held: 5, waiting: 6 });
    const first = async () => (await scene.queue.getPrioritized())[0]!;
    await (await first()).remove();
    await scene.app.get(PermitReconciler).turn();
    // The next one was let in.
    await scene.until({ active: 1, held: 4, waiting: 5 });
    await (await first()).remove();
    await scene.app.get(PermitReconciler).turn();
    await scene.until({ active: 1, held: 3, waiting: 4 });
    const remove = (id = '') =>
      scene.app.get(JobRemovals).remove(id, { kind: 'removed', reason: 'a test', by: 'me' });
    expect(await remove(ids.at(-1))).toBe(true);
    expect(await scene.queue.remove(ids.at(-2)!)).toBe(1);
    expect(await scene.queue.getJobCounts('wait', 'prioritized', 'delayed', 'active')).toEqual({
      wait: 0,
      prioritized: 1,
      delayed: 1,
      active: 1,
    });
    expect(await remove((await first()).id)).toBe(true);
    await scene.until({ active: 1, held: 0, waiting: 1 });
    await scene.app.get(PermitReconciler).turn();
    expect(await scene.store.state(scene.entry, 'a')).toMatchObject({ waiting: 0, running: 2 });
    hold.release();
    await scene.until({ completed: 2, waiting: 0, active: 0 });
    expect(await scene.redis.hget(`${scene.base}keys:rounds`, 'a')).not.toBeNull();
    await scene.app.get(PermitReconciler).turn();
    await eventually(async () => expect(await scene.leftOvers()).toEqual(nothing));
    // Nobody stands in line: the rounds begin anew.
    const kept = ['rounds', 'round'].map((name) => `${scene.base}keys:${name}`);
    expect(await scene.redis.exists(...kept)).toBe(0);
  });

  it('changes the limits of one key at once, and for as long as they are set', async () => {
    const scene = await open({ rate: { max: 1, durationMs: 3_600_000 }, slots: 5 });
    await scene.add('a', 50);
    await scene.add('b', 3);
    scene.start();
    await scene.until({ completed: 2, active: 0 });
    expect(await scene.store.set(scene.entry, 'a', { rate: { max: 5_000, durationMs: 1_000 } })).toBe(true);
    await scene.until({ completed: 51, held: 2 });
    expect(await scene.store.page(scene.entry, '', 10)).toEqual([
      expect.objectContaining({
        key: 'a',
        waiting: 0,
        isOwn: true,
        limit: { rate: { max: 5_000, durationMs: 1_000 } },
      }),
      expect.objectContaining({ key: 'b', waiting: 2, isOwn: false, nextAt: expect.any(Number) }),
    ]);
    await scene.store.remove(scene.entry, 'a');
    await scene.add('a', 3);
    await scene.until({ completed: 52, held: 4, active: 0 });
    await scene.store.set(scene.entry, 'b', {});
    await scene.until({ completed: 54, held: 2 });
  });

  it('gives no tenant more than its share of what all of them have', async () => {
    const scene = await open({ concurrency: 1 });
    const set = (tenant: string, at: number) =>
      scene.store.set(scene.entry, `${tenant}:${at}`, { concurrency: 2 }, tenant);
    const all = await Promise.all(
      Array.from({ length: MAX_OWN_LIMITS_OF_TENANT + 20 }, (_, at) => set('greedy', at)),
    );
    expect(all.filter(Boolean)).toHaveLength(MAX_OWN_LIMITS_OF_TENANT);
    expect(all[0]).toBe(true);
    expect(await set('other', 1)).toBe(true);
    // What was set before is set again, and what is removed makes room for one more.
    expect(await set('greedy', 0)).toBe(true);
    expect(await set('greedy', -1)).toBe(false);
    await scene.store.remove(scene.entry, 'greedy:0');
    await scene.store.remove(scene.entry, 'greedy:0');
    expect([await set('greedy', -1), await set('greedy', -2)]).toEqual([true, false]);
    // An operator's own word is nobody's share.
    expect(await scene.store.set(scene.entry, 'greedy:-2', { concurrency: 2 })).toBe(true);
  });

  it('stays readable for tools that know nothing of keys', async () => {
    const scene = await open({ concurrency: 1 });
    const [, id = ''] = await scene.add('a', 5);
    const job = (await scene.queue.getJob(id)) as Job<FetchPayload>;
    expect(job.data).toEqual({ source: 'a', number: 1 });
    expect(await scene.queue.getJobCounts('delayed', 'wait', 'prioritized')).toMatchObject({
      delayed: 4,
      prioritized: 1,
    });
    expect(await scene.queue.getDelayed()).toHaveLength(4);
    const [first] = await scene.app.get(JobSets).read(scene.entry, [id]);
    expect(first?.job).toMatchObject({ state: 'waiting' });
    expect(first?.job.runAt).toBeUndefined();
    const counts = await scene.counts();
    expect(counts).toMatchObject({ waiting: 5, delayed: 0, due: 0 });
    expect(counts.oldestWaitingMs).toBeLessThan(60_000);
    // One that is promoted by such a tool is limited at its start.
    await job.promote();
    await scene.queue.pause();
    await scene.queue.drain(true);
    expect(await scene.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0 });
    scene.start();
    await scene.queue.resume();
    await scene.add('a', 2);
    await scene.until({ completed: 2, waiting: 0 });
    await scene.app.get(PermitReconciler).turn();
    await eventually(async () => expect(await scene.leftOvers()).toEqual(nothing));
  });

  it('goes on where it was after Redis was killed and came back', async () => {
    const redis = await RedisProcess.start();
    try {
      const scene = await open({ concurrency: 2, slots: 4 }, { REDIS_URL: redis.url });
      const back = new Hold();
      let started = 0;
      scene.work.run = async () => {
        started += 1;
        if (started > 20) await back.promise;
      };
      for (const source of ['a', 'b', 'c']) await scene.add(source, 60);
      scene.start();
      await scene.until({ completed: 20, active: 4 });
      // What the file has at most lost is the last second, the same for jobs and for permits.
      await redis.kill();
      await redis.start();
      back.release();
      await eventually(async () => {
        const { completed, waiting, active, delayed } = await scene.counts();
        expect({ completed, waiting, active, delayed }).toEqual({
          completed: 180,
          waiting: 0,
          active: 0,
          delayed: 0,
        });
      }, 40_000);
      await scene.app.get(PermitReconciler).turn();
      await eventually(async () => expect(await scene.leftOvers()).toEqual(nothing));
    } finally {
      // With its Redis, and not after it.
      await apps.pop()?.close();
      await redis.remove();
    }
  });
});
