import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import { QueueEvents, type Queue } from 'bullmq';
import { readSettings } from '../../../src/config/read-settings';
import { concurrencyOf } from '../../../src/platform/queue/define-queue';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { RedisInspector } from '../../../src/platform/redis/redis-inspector.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { TEST_JOB_NAME } from '../../../src/workloads/tasks/default/default.payload';
import { DefaultProducer } from '../../../src/workloads/tasks/default/default.producer';
import { DefaultModule } from '../../../src/workloads/tasks/default/default.module';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

describe('queue default and Redis, as document 000 has them', () => {
  const prefix = randomPrefix();
  let app: TestingModule;
  let events: QueueEvents;
  let queue: Queue;

  beforeAll(async () => {
    app = await startQueueApp([DefaultModule], { REDIS_PREFIX: prefix });
    queue = app.get<Queue>(getQueueToken('default'));
    events = new QueueEvents('default', { connection: app.get(RedisConnections).worker, prefix });
    await events.waitUntilReady();
    app.get(WorkerRunner).startChosen();
  });
  afterAll(async () => {
    await events.close();
    await removeKeys(app, prefix);
    await app.close();
  });

  it('is declared with concurrency 5, three attempts from one second, and the retention of the document', () => {
    const definition = app.get(QueueRegistry).get('default')?.definition;
    expect(concurrencyOf(definition!, readSettings({}))).toBe(5);
    expect(definition).toMatchObject({
      hasPriorities: true,
      jobs: { [TEST_JOB_NAME]: { attempts: 3, backoff: { type: 'exponential', delayMs: 1_000 } } },
      retention: { completed: { ageMs: 86_400_000 }, failed: { ageMs: 7 * 86_400_000 } },
    });
  });

  it('runs a test job, tells of its progress and answers with its message', async () => {
    const progress: unknown[] = [];
    events.on('progress', ({ data }) => progress.push(data));
    const job = await app.get(DefaultProducer).addTestJob({ message: 'Test job', delay: 300 });
    await expect(job.waitUntilFinished(events, 5_000)).resolves.toEqual({
      message: 'Test job',
      processedAt: expect.any(String),
      durationMs: expect.any(Number),
    });
    await eventually(() =>
      expect(progress).toEqual([33, 67, 100].map((percent) => ({ percent, stage: 'working' }))),
    );
  });

  it('tries a failing test job three times, one second and two seconds apart', async () => {
    const job = await app.get(DefaultProducer).addTestJob({ message: 'Test job', shouldFail: true });
    await expect(job.waitUntilFinished(events, 10_000)).rejects.toThrow('shouldFail');
    const failed = await app.get(JobReader).read(job.id ?? '');
    expect(failed).toMatchObject({ state: 'failed', attemptsMade: 3, attemptsMax: 3 });
    expect((failed?.finishedAt ?? 0) - (failed?.createdAt ?? 0)).toBeGreaterThanOrEqual(2_990);
  });

  it('works five jobs at once', async () => {
    const add = () => app.get(DefaultProducer).addTestJob({ message: 'at once', delay: 1_000 });
    const jobs = await Promise.all(Array.from({ length: 6 }, add));
    await eventually(async () => expect(await queue.getActiveCount()).toBe(5));
    await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 10_000)));
  });

  it('tells how Redis is doing', async () => {
    const inspector = app.get(RedisInspector);
    expect(await inspector.testRedisConnection()).toEqual({ success: true, latencyMs: expect.any(Number) });
    const info = await inspector.getRedisInfo();
    expect(info).toEqual({
      configured: true,
      connected: true,
      memory: expect.stringMatching(/^[\d.]+[BKMG]$/),
      clients: expect.any(Number),
    });
    expect(info.clients).toBeGreaterThanOrEqual(2);
  });

  it('tells when Redis is away, without waiting for it', async () => {
    const away = await startQueueApp([], { REDIS_URL: 'redis://127.0.0.1:1' });
    const inspector = away.get(RedisInspector);
    expect(await inspector.testRedisConnection()).toEqual({ success: false, error: expect.any(String) });
    expect(await inspector.getRedisInfo()).toEqual({
      configured: true,
      connected: false,
      memory: null,
      clients: null,
    });
    await away.close();
  });
});
