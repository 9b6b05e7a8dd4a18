import type { TestingModule } from '@nestjs/testing';
import type { Job } from 'bullmq';
import { CacheModule } from '../../../src/platform/cache/cache.module';
import { Cache } from '../../../src/platform/cache/cache.service';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import { EffectsModule, effectsMigrations } from '../../../src/platform/effects/effects.module';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { CacheWarmModule } from '../../../src/workloads/tasks/cache-warm/cache-warm.module';
import type { CacheWarmPayload } from '../../../src/workloads/tasks/cache-warm/cache-warm.payload';
import { CacheWarmProcessor } from '../../../src/workloads/tasks/cache-warm/cache-warm.processor';
import { CacheWarmProducer } from '../../../src/workloads/tasks/cache-warm/cache-warm.producer';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';
import { startTestServer, type TestServer } from '../../support/server';
import { endlessly, gate, WeatherModule, WeatherSource } from '../../support/weather-source';

describe('the queue cache-warm', () => {
  const prefix = randomPrefix();
  let database: TestDatabase;
  let apps: TestingModule[];
  let app: TestingModule;

  beforeAll(async () => {
    database = await createTestDatabase();
    const start = () =>
      startQueueApp(
        [
          DatabaseModule.forRoot([effectsMigrations]),
          EffectsModule,
          CacheModule,
          WeatherModule,
          CacheWarmModule,
        ],
        { REDIS_PREFIX: prefix, DATABASE_URL: database.url },
      );
    apps = [await start(), await start()];
    app = apps[0]!;
    for (const one of apps) one.get(WorkerRunner).startChosen();
  });
  afterAll(async () => {
    await removeKeys(app, prefix);
    for (const one of apps) await one.close();
    await database.drop();
  });
  beforeEach(() => WeatherSource.reset());

  const add = async (payload: Partial<CacheWarmPayload> = {}, tenant = 'default') => {
    const data = { cacheKey: 'today', dataSource: 'weather', ...payload };
    return (await app.get(CacheWarmProducer).addCacheWarm(data, { tenant })).id ?? '';
  };
  const ended = async (id: string) => {
    await eventually(async () => {
      const job = await app.get(JobReader).read(id);
      expect(['completed', 'failed', 'cancelled']).toContain(job?.state);
    }, 20_000);
    return (await app.get(JobReader).read(id))!;
  };

  it('computes what readers then find, in the tenant of the job', async () => {
    WeatherSource.run = ({ tenant, key }) => Promise.resolve(`${key} in ${tenant}`.repeat(200));
    const job = await ended(await add({ ttl: 60 }, 'acme'));
    expect(job).toMatchObject({
      state: 'completed',
      result: { cacheKey: 'today', bytes: 2_602, compressed: true, ttlMs: expect.any(Number) },
    });
    const { ttlMs, expiresAt } = job.result as { ttlMs: number; expiresAt: string };
    expect(Math.abs(ttlMs - 60_000)).toBeLessThanOrEqual(6_000);
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    for (const one of apps) {
      const value = await one.get(Cache).get('weather', 'today', { tenant: 'acme' });
      expect(value).toBe('today in acme'.repeat(200));
    }
    expect(WeatherSource.loads).toBe(1);
    await expect(app.get(Cache).get('weather', 'today')).resolves.toContain('today in default');
  });

  it('computes once for a job and whoever reads meanwhile, in both apps', async () => {
    const { run, open } = gate('once');
    WeatherSource.run = run;
    const id = await add({ cacheKey: 'busy' });
    await eventually(() => expect(WeatherSource.loads).toBe(1), 10_000);
    const readers = Array.from({ length: 20 }, (_, at) => apps[at % 2]!.get(Cache).get('weather', 'busy'));
    open();
    expect(await ended(id)).toMatchObject({ state: 'completed', result: { bytes: 6, compressed: false } });
    expect(new Set(await Promise.all(readers))).toEqual(new Set(['once']));
    expect(WeatherSource.loads).toBe(1);
  });

  it('refuses a source that nobody declares, with the names of those that are', async () => {
    await expect(add({ dataSource: 'nothing' })).rejects.toMatchObject({
      errors: [{ pointer: '/dataSource', detail: 'does not exist: use queue-stats, weather', code: 'isIn' }],
    });
  });

  it('tries again after a failure of the source, and keeps no error', async () => {
    WeatherSource.run = () =>
      WeatherSource.loads === 1 ? Promise.reject(new Error('no clouds')) : Promise.resolve('sun');
    expect(await ended(await add({ cacheKey: 'again' }))).toMatchObject({
      state: 'completed',
      attemptsMade: 2,
    });
    await expect(app.get(Cache).get('weather', 'again')).resolves.toBe('sun');
  });

  it('fails after its last attempt where the source never answers as it should', async () => {
    WeatherSource.run = () => Promise.reject(new Error('no clouds'));
    const job = await ended(await add({ cacheKey: 'never' }));
    expect(job).toMatchObject({ state: 'failed', attemptsMade: 3, failedReason: 'no clouds' });
  });

  it('fails at once with what is too large', async () => {
    WeatherSource.run = () => Promise.resolve('x'.repeat(17 * 1_048_576));
    const large = await ended(await add({ cacheKey: 'large' }));
    expect(large).toMatchObject({ state: 'failed', attemptsMade: 1 });
    expect(large.failedReason).toContain('at most 16777216 are kept');
  });

  it('tells the source when its job is cancelled, and leaves the key free', async () => {
    const { run, stopped } = endlessly();
    WeatherSource.run = run;
    const id = await add({ cacheKey: 'slow' });
    await eventually(() => expect(WeatherSource.loads).toBe(1), 10_000);
    await app.get(JobCancellation).cancel(id, { reason: 'enough', by: 'test' });
    expect((await ended(id)).state).toBe('cancelled');
    expect(stopped()).toBe(true);
    WeatherSource.run = () => Promise.resolve('free');
    await expect(apps[1]!.get(Cache).get('weather', 'slow')).resolves.toBe('free');
  });

  it('computes nothing when the job starts again after its value was kept', async () => {
    const { result, ...job } = await ended(await add({ cacheKey: 'done' }));
    const again = {
      ...job,
      queueName: 'cache-warm',
      name: 'CACHE_WARM',
      data: JSON.parse(job.data) as object,
      timestamp: job.createdAt,
      processedOn: Date.now(),
      attemptsStarted: 2,
      opts: {},
    };
    await expect(app.get(CacheWarmProcessor).process(again as unknown as Job)).resolves.toEqual(result);
    expect(WeatherSource.loads).toBe(1);
  });
});

describe('CACHE_WARM over HTTP, as a Redis user with no more rights than it needs', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  const send = async (data: object) => {
    const response = await fetch(`${server.url}/api/queue/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'CACHE_WARM', data }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it.each(['queue-stats', 'dead-letter-groups'])('warms %s', async (dataSource) => {
    const { status, body } = await send({ cacheKey: 'now', dataSource, ttl: 60 });
    expect(status).toBe(202);
    await eventually(async () => {
      const response = await fetch(`${server.url}/api/queue/jobs/${String(body['id'])}`);
      expect(await response.json()).toMatchObject({
        state: 'completed',
        result: { cacheKey: 'now', expiresAt: expect.any(String) },
      });
    }, 10_000);
    const value = await server.app.get(Cache).get(dataSource, 'now');
    expect(value).toMatchObject({ at: expect.any(String) });
    await expect(server.app.get(Cache).get(dataSource, 'now')).resolves.toEqual(value);
  });

  it.each([
    [{ cacheKey: 'x', dataSource: 'nothing' }, '#/data/dataSource', 'dead-letter-groups, queue-stats'],
    [{ cacheKey: 'x', dataSource: 'queue-stats', ttl: 0 }, '#/data/ttl', ''],
    [{ cacheKey: '', dataSource: 'queue-stats' }, '#/data/cacheKey', ''],
  ])('answers 422 to %j', async (data, pointer, detail) => {
    const { status, body } = await send(data);
    expect([status, body]).toMatchObject([422, { errors: [{ pointer }] }]);
    expect(JSON.stringify(body)).toContain(detail);
  });
});
