import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import {
  addJob,
  addPrepared,
  JobKeyConflictError,
  prepareJob,
  type AddOptions,
} from '../../../src/platform/queue/add-job';
import { withIdSeed } from '../../../src/platform/queue/id-seed';
import { knownJobKey, knownJobOf } from '../../../src/platform/queue/known-job';
import { KnownJobs } from '../../../src/platform/queue/known-jobs.service';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { NotesModule, notesQueue } from '../../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

const dayMs = 86_400_000;

describe('storing jobs', () => {
  const prefix = randomPrefix();
  let app: TestingModule;
  let queue: Queue;

  beforeAll(async () => {
    app = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix });
    queue = app.get<Queue>(getQueueToken('notes'));
  });
  beforeEach(() => removeKeys(app, prefix));
  afterAll(async () => {
    await removeKeys(app, prefix);
    await app.close();
  });

  const redis = () => app.get(RedisConnections).producer;
  const prepare = (text: string, options?: AddOptions) =>
    prepareJob(notesQueue, queue, 'write-note', { text }, options);
  const add = async (text: string, options?: AddOptions) =>
    (await addPrepared(notesQueue, queue, [await prepare(text, options)]))[0];
  const memoryOf = async (id: string) => redis().get(knownJobKey(prefix, id));

  /** Every key of the queue with what it holds; ids, times and places in streams left out. */
  async function layout(): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    const client = redis();
    for (const key of (await client.keys(`${prefix}:notes:*`)).sort()) {
      const name = key.slice(prefix.length);
      switch (await client.type(key)) {
        case 'hash':
          found[name] = hashOf(await client.hgetall(key));
          break;
        case 'list':
          found[name] = await client.lrange(key, 0, -1);
          break;
        case 'zset':
          found[name] = await client.zrange(key, '0', '-1', 'WITHSCORES');
          break;
        case 'stream':
          found[name] = (await client.xrange(key, '-', '+')).map(([, fields]) => fields);
          break;
        default:
          found[name] = await client.get(key);
      }
    }
    return found;
  }

  it.each([
    ['in order of arrival', []],
    ['while the queue is paused', ['paused']],
    ['while the queue is at its limit', ['limited']],
  ])('lays jobs out exactly as BullMQ does, %s', async (_when, conditions) => {
    const prepared = await Promise.all([
      prepare('one', { key: 'a' }),
      prepare('two', { priority: 'urgent' }),
      prepare('later', { delayMs: 60_000 }),
      prepare('latest', { delayMs: 60_000, priority: 'low' }),
    ]);
    // A queue without priorities stores no number.
    const plain = prepared.map((job) => {
      const { priority: _priority, ...options } = job.options;
      return job.json.includes('one') ? { ...job, options, createdAt: 1_700_000_000_000 } : job;
    });
    const jobs = plain.map((job) => ({ ...job, createdAt: 1_700_000_000_000 }));
    const meet = async () => {
      await redis().hset(`${prefix}:notes:meta`, { 'opts.maxLenEvents': 1_000 });
      if (conditions.includes('paused')) await redis().hset(`${prefix}:notes:meta`, { paused: 1 });
      if (conditions.includes('limited')) await redis().hset(`${prefix}:notes:meta`, { concurrency: 0 });
    };
    await meet();
    for (const { id, type, payload, options, createdAt } of jobs) {
      await queue.add(type, payload, { ...options, timestamp: createdAt, jobId: id });
    }
    await queue.add('write-note', { text: 'again' }, { jobId: jobs[0]!.id });
    const stock = await layout();
    await removeKeys(app, prefix);
    await meet();
    await addPrepared(notesQueue, queue, jobs);
    await addPrepared(notesQueue, queue, [jobs[0]!]);
    const own = await layout();
    // BullMQ counts a duplicate too; nothing reads the counter where every job has an id.
    expect({ ...own, ':notes:id': '5' }).toEqual(stock);
    expect(Object.keys(own).length).toBeGreaterThan(jobs.length + 5);
  });

  /** BullMQ stores the id and the time once more among the options. */
  function hashOf({ opts, ...fields }: Record<string, string>): Record<string, unknown> {
    if (opts === undefined) return fields;
    const { jobId: _id, timestamp: _time, ...options } = JSON.parse(opts) as Record<string, unknown>;
    return { ...fields, options };
  }

  it('runs what it has stored, the most urgent first', async () => {
    await add('slow', { priority: 'low' });
    await add('fast', { priority: 'urgent' });
    const first = await app.get(WorkerRunner).processNext('notes');
    expect(first).toMatchObject({ data: { text: 'fast' }, opts: { attempts: 3 } });
  });

  it('stores a thousand jobs in steps, in their order', async () => {
    const jobs = await Promise.all(Array.from({ length: 1_000 }, (_, at) => prepare(`note ${at}`)));
    const outcomes = await addPrepared(notesQueue, queue, jobs);
    expect(outcomes).toHaveLength(1_000);
    expect(outcomes.every(({ isNew }) => isNew)).toBe(true);
    const ids = await redis().zrange(`${prefix}:notes:prioritized`, '0', '-1');
    expect(ids).toEqual(jobs.map(({ id }) => id));
  });

  it('makes one job of two hundred adds of the same key at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => add('same', { key: 'k' })));
    expect(outcomes.filter((outcome) => outcome?.isNew === true)).toHaveLength(1);
    expect(outcomes.some((outcome) => outcome?.isConflict === true)).toBe(false);
    expect((await queue.getJobCounts()).prioritized).toBe(1);
  });

  it('tells another payload under the same key, also when the job is long gone', async () => {
    const { id } = await prepare('one', { key: 'k' });
    await add('one', { key: 'k' });
    await expect(addJob(notesQueue, queue, 'write-note', { text: 'two' }, { key: 'k' })).rejects.toThrow(
      JobKeyConflictError,
    );
    expect(await queue.remove(id)).toBe(1);
    expect(await add('two', { key: 'k' })).toMatchObject({ isNew: false, isConflict: true });
    expect(await add('one', { key: 'k' })).toMatchObject({ isNew: false, isConflict: false });
    expect((await queue.getJobCounts()).prioritized).toBe(0);
  });

  it('knows a job by itself when its memory is lost', async () => {
    const { id } = await prepare('one', { key: 'k' });
    await add('one', { key: 'k' });
    await redis().del(knownJobKey(prefix, id));
    expect(await add('one', { key: 'k' })).toMatchObject({ isNew: false, isConflict: false });
    expect(await add('two', { key: 'k' })).toMatchObject({ isNew: false, isConflict: true });
  });

  it('remembers a key for its delay and a day, and a job without a key not at all', async () => {
    const { id } = await prepare('one', { key: 'k', delayMs: 1_000_000 });
    await add('one', { key: 'k', delayMs: 1_000_000 });
    const lifeMs = await redis().pttl(knownJobKey(prefix, id));
    expect(lifeMs).toBeGreaterThan(dayMs + 900_000);
    expect(lifeMs).toBeLessThanOrEqual(dayMs + 1_000_000);
    await add('nameless');
    expect(await redis().keys(`${prefix}:holdfast:known:*`)).toHaveLength(1);
  });

  it('remembers how a job ended when retention removes it, for a day from its end', async () => {
    const { id } = await prepare('one', { key: 'k' });
    await add('one', { key: 'k' });
    await app.get(WorkerRunner).processNext('notes');
    await redis().del(knownJobKey(prefix, id));
    const entry = app.get(QueueRegistry).get('notes')!;
    await app.get(KnownJobs).keep(entry, 'completed', [id]);
    expect(knownJobOf((await memoryOf(id)) ?? '')).toMatchObject({ ended: 'completed', type: 'write-note' });
    await queue.remove(id);
    expect(await add('one', { key: 'k' })).toMatchObject({ isNew: false, known: { ended: 'completed' } });
  });

  it('forgets a key when the day after the end is over', async () => {
    const { id } = await prepare('one', { key: 'k' });
    await add('one', { key: 'k' });
    await app.get(WorkerRunner).processNext('notes');
    await app
      .get(KnownJobs)
      .keep(app.get(QueueRegistry).get('notes')!, 'completed', [id], Date.now() + dayMs);
    expect(await memoryOf(id)).toBeNull();
  });

  it('lets a dead job come back under its id, whatever is remembered of it', async () => {
    const { id } = await prepare('one', { key: 'k' });
    await add('one', { key: 'k' });
    await queue.remove(id);
    expect(await add('edited', { id, key: 'k', generation: 1 })).toMatchObject({ isNew: true });
    expect(await add('one', { key: 'k' })).toMatchObject({ isNew: false, isConflict: false });
  });

  it('derives ids from the request that adds, so that a repeat is the same jobs', async () => {
    const send = () =>
      withIdSeed('request 1', async () => [
        await prepare('a'),
        await prepare('b'),
        await prepare('c', { key: 'k' }),
      ]);
    const [first, second] = [await send(), await send()];
    expect(second.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    expect(new Set(first.map(({ id }) => id)).size).toBe(3);
    const other = await withIdSeed('request 2', () => prepare('a'));
    expect(other.id).not.toBe(first[0]?.id);
    await addPrepared(notesQueue, queue, first);
    expect((await addPrepared(notesQueue, queue, second)).map(({ isNew }) => isNew)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it.each(['events', 'prioritized'])('stores nothing of a job when the key %s is spoiled', async (name) => {
    await redis().set(`${prefix}:notes:${name}`, 'spoiled');
    await expect(add('x')).rejects.toThrow('WRONGTYPE');
    expect(await redis().keys(`${prefix}:notes:notes_*`)).toEqual([]);
  });

  it('takes a stored job no more bytes than BullMQ itself', async () => {
    const job = await prepare('bytes');
    await queue.add('write-note', { text: 'bytes' }, { ...job.options, jobId: `${job.id.slice(0, -2)}xx` });
    await addPrepared(notesQueue, queue, [job]);
    const [stock, own] = await Promise.all(
      [`${job.id.slice(0, -2)}xx`, job.id].map((id) => redis().memory('USAGE', `${prefix}:notes:${id}`)),
    );
    expect(own).toBeLessThanOrEqual(stock ?? 0);
  });
});
