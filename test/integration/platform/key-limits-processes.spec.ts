import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PermitReconciler } from '../../../src/platform/key-limits/permit-reconciler.service';
import { addPrepared, prepareJob } from '../../../src/platform/queue/add-job';
import { QueueCounter } from '../../../src/platform/queue/queue-counts.service';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { compilePrograms } from '../../support/compile-programs';
import { eventually } from '../../support/eventually';
import { ServerProcess } from '../../support/process';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';
import { sourceLimits, sourcesQueue, SourcesModule } from '../../support/sources/sources-queue';

describe('limits per key, over two worker processes', () => {
  const programs = compilePrograms('test/support/sources');
  const home = mkdtempSync(join(tmpdir(), 'holdfast-keys-'));
  const workers: ServerProcess[] = [];
  let app: TestingModule | undefined;
  let prefix: string;

  afterEach(async () => {
    for (const worker of workers.splice(0)) {
      worker.signal('SIGKILL');
      await worker.ended;
    }
    if (app !== undefined) {
      await removeKeys(app, prefix);
      await app.close();
    }
  });
  afterAll(() => {
    programs.remove();
    rmSync(home, { recursive: true, force: true });
  });

  async function begin(limits: Partial<typeof sourceLimits> & { questions?: number }) {
    prefix = randomPrefix();
    Object.assign(sourceLimits, { rate: undefined, concurrency: undefined, slots: 10 }, limits);
    app = await startQueueApp([SourcesModule], { REDIS_PREFIX: prefix });
    const queue = app.get<Queue>(getQueueToken('sources'));
    const work = async () => {
      const worker = await ServerProcess.start(
        {
          HOLDFAST_HOME: home,
          REDIS_URL: String(process.env['TEST_REDIS_URL']),
          REDIS_PREFIX: prefix,
          SOURCE_LIMITS: JSON.stringify(limits),
        },
        programs.program('sources'),
      );
      workers.push(worker);
      return worker;
    };
    const add = async (source: string, count: number) => {
      const prepared = await Promise.all(
        Array.from({ length: count }, (_, number) =>
          prepareJob(sourcesQueue, queue, 'fetch-one', { source, number }, {}),
        ),
      );
      await addPrepared(sourcesQueue, queue, prepared);
    };
    const counts = () => app!.get(QueueCounter).count(app!.get(QueueRegistry).get('sources')!);
    return { queue, work, add, counts, redis: app.get(RedisConnections).producer };
  }

  it('keeps the rate of each key', async () => {
    const [max, durationMs, jobs] = [100, 1_000, 300];
    const { queue, work, add, counts } = await begin({ rate: { max, durationMs }, slots: 10 });
    await Promise.all([work(), work()]);
    await add('a', jobs);
    await add('b', jobs);
    await eventually(async () => expect(await counts()).toMatchObject({ completed: 2 * jobs }), 60_000);
    const records = await queue.getCompleted(0, 2 * jobs);
    expect(new Set(records.map(({ processedBy }) => processedBy)).size).toBe(2);
    for (const source of ['a', 'b']) {
      const starts = records
        .filter(({ data }) => (data as { source: string }).source === source)
        .map(({ processedOn = 0 }) => processedOn)
        .toSorted((a, b) => a - b);
      expect(starts).toHaveLength(jobs);
      const mostInOneWindow = Math.max(
        ...starts.map((from, at) => starts.slice(at).filter((start) => start < from + durationMs).length),
      );
      expect(mostInOneWindow).toBeLessThanOrEqual(max * 1.05);
      const perSecond = ((jobs - 1) * 1_000) / (starts.at(-1)! - starts[0]!);
      // No more than a guard: a machine that does not let the workers run makes them slower.
      expect(perSecond).toBeGreaterThan(max / 2);
    }
  });

  it('loses nothing and keeps no permit when a worker is killed', async () => {
    const { work, add, counts, redis } = await begin({ concurrency: 2, slots: 6, questions: 50 });
    const [victim] = await Promise.all([work(), work()]);
    for (const source of ['a', 'b', 'c', 'd']) await add(source, 100);
    await eventually(async () => expect((await counts()).completed).toBeGreaterThan(40), 30_000);
    victim.signal('SIGKILL');
    await victim.ended;
    await eventually(async () => expect((await counts()).completed).toBe(400), 60_000);
    expect(await counts()).toMatchObject({ waiting: 0, active: 0, delayed: 0, failed: 0 });
    await app!.get(PermitReconciler).turn();
    await eventually(async () => {
      expect(await redis.hlen(`${prefix}:sources:keys:permits`)).toBe(0);
      expect(await redis.hlen(`${prefix}:sources:keys:running`)).toBe(0);
    });
  });
});
