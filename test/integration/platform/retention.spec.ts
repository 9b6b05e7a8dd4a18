import { getQueueToken } from '@nestjs/bullmq';
import { Test, type TestingModule } from '@nestjs/testing';
import { IsString } from 'class-validator';
import { FlowProducer, type Queue } from 'bullmq';
import { randomBytes } from 'node:crypto';
import { readSettings } from '../../../src/config/read-settings';
import { SettingsModule } from '../../../src/config/settings.module';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { addJob } from '../../../src/platform/queue/add-job';
import { defineQueue } from '../../../src/platform/queue/define-queue';
import { knownJobKey, knownJobOf } from '../../../src/platform/queue/known-job';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { QueueModule } from '../../../src/platform/queue/queue.module';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { RedisModule } from '../../../src/platform/redis/redis.module';
import { RetentionModule } from '../../../src/platform/retention/retention.module';
import { RetentionSweeper } from '../../../src/platform/retention/retention-sweeper.service';

class NotePayload {
  @IsString()
  text!: string;
}

const HOUR_MS = 3_600_000;
const notes = defineQueue({
  name: 'notes',
  domain: 'test',
  description: 'Jobs that are only kept.',
  jobs: { note: { payload: NotePayload } },
  worker: { concurrency: 1 },
  retention: { completed: { ageMs: HOUR_MS, count: 600 }, failed: { ageMs: 2 * HOUR_MS, count: 2 } },
});

describe('retention', () => {
  let app: TestingModule;
  let queue: Queue;

  beforeAll(async () => {
    const settings = readSettings({
      REDIS_URL: process.env['TEST_REDIS_URL'],
      REDIS_PREFIX: `test-${randomBytes(6).toString('hex')}`,
    });
    app = await Test.createTestingModule({
      imports: [
        SettingsModule.forRoot(settings),
        RedisModule,
        LeaderModule,
        QueueModule.forRoot(),
        QueueModule.forQueue(notes),
        RetentionModule,
      ],
    }).compile();
    await app.get(RedisConnections).waitUntilReady(5_000);
    queue = app.get<Queue>(getQueueToken('notes'));
  });

  afterAll(async () => {
    await queue.obliterate({ force: true });
    await app.close();
  });

  /** Adds jobs and files them as finished at the given times, as BullMQ's layout has it. */
  async function finished(state: 'completed' | 'failed', times: readonly number[]): Promise<void> {
    const jobs = await queue.addBulk(times.map(() => ({ name: 'note', data: { text: 'x' } })));
    const base = `${queue.opts.prefix}:notes`;
    const pipeline = app.get(RedisConnections).producer.pipeline();
    jobs.forEach(({ id = '' }, index) => {
      pipeline.lrem(`${base}:wait`, 1, id).zadd(`${base}:${state}`, times[index] ?? 0, id);
    });
    await pipeline.exec();
  }

  it('removes by age and by count, per state, the oldest first, and the jobs with their hashes', async () => {
    const now = Date.now();
    await finished('completed', [now - 2 * HOUR_MS, now - HOUR_MS - 1, now - HOUR_MS + 60_000, now]);
    await finished('failed', [now - 3_000, now - 2_000, now - 1_000]);
    await app.get(RetentionSweeper).sweep(now);
    expect(await queue.getJobCounts('completed', 'failed')).toEqual({ completed: 2, failed: 2 });
    const kept = await queue.getJobs(['failed']);
    expect(kept.every((job) => job !== undefined)).toBe(true);
    const hashes = await app.get(RedisConnections).producer.keys(`${queue.opts.prefix}:notes:[0-9]*`);
    expect(hashes).toHaveLength(4);
  });

  it('removes more than one batch in a sweep', async () => {
    const now = Date.now();
    await finished(
      'completed',
      Array.from({ length: 1_700 }, (_, index) => now - index),
    );
    await app.get(RetentionSweeper).sweep(now);
    expect(await queue.getJobCounts('completed')).toEqual({ completed: 600 });
  });

  describe('of a single job', () => {
    const entry = () => app.get(QueueRegistry).get('notes')!;
    const redis = () => app.get(RedisConnections).producer;
    const base = () => `${queue.opts.prefix}:notes:`;
    const memoryOf = async (id: string) =>
      knownJobOf((await redis().get(knownJobKey(queue.opts.prefix ?? '', id))) ?? '');
    const ended = async (key: string) => {
      const { id = '' } = await addJob(notes, queue, 'note', { text: key }, { key });
      await redis().pipeline().lrem(`${base()}wait`, 1, id).zadd(`${base()}completed`, Date.now(), id).exec();
      return id;
    };
    const release = (...ids: string[]) => app.get(RetentionSweeper).release(entry(), 'completed', ids);

    it('keeps its key known, with the way it ended, whether its memory was there or not', async () => {
      const [known, forgotten] = [await ended('known'), await ended('forgotten')];
      await redis().del(knownJobKey(queue.opts.prefix ?? '', forgotten));
      await redis().rpush(`${base()}${known}:logs`, 'a line');
      await release(known, forgotten);
      expect(await redis().exists(base() + known, `${base()}${known}:logs`, base() + forgotten)).toBe(0);
      expect(await memoryOf(known)).toMatchObject({ type: 'note', ended: 'completed' });
      expect(await memoryOf(forgotten)).toMatchObject({ type: 'note', ended: 'completed' });
      expect(await redis().pttl(knownJobKey(queue.opts.prefix ?? '', known))).toBeGreaterThan(23 * HOUR_MS);
    });

    it('leaves a job alone that was sent back meanwhile, or that somebody holds', async () => {
      const [back, held] = [await ended('back'), await ended('held')];
      await redis().zrem(`${base()}completed`, back);
      await redis().rpush(`${base()}wait`, back);
      await redis().set(`${base()}${held}:lock`, 'somebody');
      await release(back, held);
      expect(await redis().exists(base() + back, base() + held)).toBe(2);
      expect(await queue.getJobState(back)).toBe('waiting');
      await redis().del(`${base()}${held}:lock`);
      await queue.remove(back);
    });

    it('takes a child out of its parent, which goes on', async () => {
      const flows = new FlowProducer({
        connection: redis(),
        ...(queue.opts.prefix !== undefined && { prefix: queue.opts.prefix }),
      });
      const { job: parent, children = [] } = await flows.add({
        name: 'note',
        queueName: 'notes',
        data: { text: 'parent' },
        children: [{ name: 'note', queueName: 'notes', data: { text: 'child' } }],
      });
      await flows.close();
      const child = children[0]?.job.id ?? '';
      await redis().pipeline().lrem(`${base()}wait`, 1, child).zadd(`${base()}completed`, 1, child).exec();
      expect(await parent.getState()).toBe('waiting-children');
      await release(child);
      expect(await redis().exists(base() + child)).toBe(0);
      expect(await parent.getState()).toBe('waiting');
    });
  });
});
