import type { TestingModule } from '@nestjs/testing';
import { randomBytes } from 'node:crypto';
import { CacheModule } from '../../../src/platform/cache/cache.module';
import { Cache, CacheNotKeptError } from '../../../src/platform/cache/cache.service';
import { CacheStore, type CacheAddress } from '../../../src/platform/cache/cache.store';
import { MetricsModule } from '../../../src/platform/metrics/metrics.module';
import { MetricsRegistry } from '../../../src/platform/metrics/metrics-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';
import { RedisProcess } from '../../support/redis-process';
import { endlessly, gate, WeatherModule, WeatherSource } from '../../support/weather-source';

const startApp = (overrides: Record<string, string>) =>
  startQueueApp([MetricsModule, CacheModule, WeatherModule], overrides);
const address = (key: string): CacheAddress => ({ tenant: 'default', source: 'weather', key });

describe('the cache, in two apps', () => {
  const prefix = randomPrefix();
  let [here, there]: TestingModule[] = [];
  let caches: [Cache, Cache];

  beforeAll(async () => {
    here = await startApp({ REDIS_PREFIX: prefix, CACHE_TENANT_BYTES: '1048576' });
    there = await startApp({ REDIS_PREFIX: prefix, CACHE_TENANT_BYTES: '1048576' });
    caches = [here.get(Cache), there.get(Cache)];
  });
  afterAll(async () => {
    await removeKeys(here!, prefix);
    await here?.close();
    await there?.close();
  });
  beforeEach(() => WeatherSource.reset());

  const redis = () => here!.get(RedisConnections).producer;
  const entryKeys = async () =>
    (await redis().keys(`${prefix}:holdfast:cache:*`)).filter((key) => !/:(lock|ends|sizes)$/.test(key));
  /** As if all values had been fresh for long enough. */
  const turnStale = async (leftMs = 60_000) => {
    for (const key of await entryKeys()) await redis().pexpire(key, leftMs);
  };
  const metrics = async () =>
    (await Promise.all([here, there].map((app) => app!.get(MetricsRegistry).metrics()))).join('');

  it('computes once for 200 readers in both, and gives each a value of its own', async () => {
    const { run, open } = gate({ degrees: 20 });
    WeatherSource.run = run;
    const readers = Array.from({ length: 200 }, (_, at) => caches[at % 2]!.get('weather', 'crowd'));
    await eventually(() => expect(WeatherSource.loads).toBe(1));
    open();
    const values = await Promise.all(readers);
    expect(values).toEqual(values.map(() => ({ degrees: 20 })));
    expect(new Set(values).size).toBe(200);
    expect(WeatherSource.loads).toBe(1);
    await expect(caches[1].get('weather', 'crowd')).resolves.toEqual({ degrees: 20 });
    expect(WeatherSource.loads).toBe(1);
  });

  it('counts reads and computations, and knows every series from the start', async () => {
    const text = await metrics();
    expect(text).toContain('holdfast_cache_reads_total{source="weather",outcome="miss"} 100');
    expect(text).toContain('holdfast_cache_reads_total{source="weather",outcome="hit"} 1');
    expect(text).toContain('holdfast_cache_loads_total{source="weather",outcome="kept"} 1');
    expect(text).toContain('holdfast_cache_loads_total{source="weather",outcome="failed"} 0');
  });

  it('hands a stale value out while one of them computes it anew', async () => {
    await caches[0].get('weather', 'stale');
    await turnStale();
    const { run, open } = gate('new');
    WeatherSource.run = run;
    const readers = Array.from({ length: 50 }, (_, at) => caches[at % 2]!.get('weather', 'stale'));
    expect(await Promise.all(readers)).toEqual(readers.map(() => ({ degrees: 1 })));
    await eventually(() => expect(WeatherSource.loads).toBe(2));
    await expect(caches[1].get('weather', 'stale')).resolves.toEqual({ degrees: 1 });
    open();
    await eventually(async () => expect(await caches[1].get('weather', 'stale')).toBe('new'));
    expect(WeatherSource.loads).toBe(2);
  });

  it('hands a stale value out while its source fails, as long as it may and no longer, and keeps no error', async () => {
    await caches[0].get('weather', 'failing');
    await turnStale();
    WeatherSource.run = () => Promise.reject(new Error('no clouds'));
    for (let read = 0; read < 20; read += 1) {
      await expect(caches[0].get('weather', 'failing')).resolves.toEqual({ degrees: 1 });
      await eventually(() => expect(WeatherSource.loads).toBeGreaterThan(1));
    }
    // Not once for each read.
    expect(WeatherSource.loads).toBeLessThan(10);
    await turnStale(1);
    await eventually(() => expect(caches[0].get('weather', 'failing')).rejects.toThrow('no clouds'));
    WeatherSource.run = () => Promise.resolve('sun');
    await expect(caches[0].get('weather', 'failing')).resolves.toBe('sun');
  });

  it('does not wait for a source longer than its deadline, and tells it', async () => {
    const { run, stopped } = endlessly();
    WeatherSource.run = run;
    await expect(caches[0].get('weather', 'hanging')).rejects.toThrow(
      'Source "weather" did not answer within 3000 ms.',
    );
    expect(stopped()).toBe(true);
  }, 20_000);

  it('goes on where a process was killed that computed the value: its lock runs out', async () => {
    await there!.get(CacheStore).lock(address('killed'), 'of the dead');
    await expect(caches[0].get('weather', 'killed')).resolves.toEqual({ degrees: 1 });
  });

  it('keeps a lock while the source takes longer than it lasts', async () => {
    const { run, open } = gate('late');
    WeatherSource.run = run;
    const reader = caches[0].get('weather', 'long');
    const [lock] = await (async () => {
      await eventually(() => expect(WeatherSource.loads).toBe(1));
      return redis().keys(`${prefix}:holdfast:cache:*:lock`);
    })();
    await redis().pexpire(lock!, 600);
    await eventually(async () => expect(await redis().pttl(lock!)).toBeGreaterThan(1_000));
    open();
    await expect(reader).resolves.toBe('late');
    await expect(redis().exists(lock!)).resolves.toBe(0);
  });

  it('lets nobody who comes late put an older value in place of a newer one', async () => {
    const { run, open } = gate('old');
    WeatherSource.run = run;
    const late = caches[0].warm('weather', 'late');
    await eventually(() => expect(WeatherSource.loads).toBe(1));
    const [lock] = await redis().keys(`${prefix}:holdfast:cache:*:lock`);
    // What a frozen process finds when it goes on.
    await redis().del(lock!);
    WeatherSource.run = () => Promise.resolve('new');
    await expect(caches[1].get('weather', 'late')).resolves.toBe('new');
    open();
    await expect(late).rejects.toThrow(CacheNotKeptError);
    await expect(caches[0].get('weather', 'late')).resolves.toBe('new');
  });

  it('does not stop for one reader who leaves what another waits for', async () => {
    const { run, open } = gate('for both');
    WeatherSource.run = run;
    const leaving = new AbortController();
    const [left, waits] = [leaving.signal, undefined].map((signal) =>
      caches[0].get('weather', 'left', { ...(signal && { signal }) }),
    );
    await eventually(() => expect(WeatherSource.loads).toBe(1));
    leaving.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    open();
    await expect(waits).resolves.toBe('for both');
  });

  it('keeps tenants and keys apart, and lets both reach the source', async () => {
    WeatherSource.run = ({ tenant, key }) => Promise.resolve(`${key} of ${tenant}`);
    await expect(caches[0].get('weather', 'mine', { tenant: 'acme' })).resolves.toBe('mine of acme');
    await expect(caches[1].get('weather', 'mine', { tenant: 'other' })).resolves.toBe('mine of other');
    await expect(caches[1].get('weather', 'mine', { tenant: 'acme' })).resolves.toBe('mine of acme');
    expect(WeatherSource.loads).toBe(2);
  });

  it('keeps no more of a tenant than it may, every key for a while only, and has room again when values end', async () => {
    WeatherSource.run = () => Promise.resolve(randomBytes(300_000).toString('base64'));
    const options = { tenant: 'large', ttlMs: 1_500 };
    for (const key of ['1', '2', '3']) await caches[0].warm('weather', key, options);
    await expect(caches[0].warm('weather', '4', options)).rejects.toThrow('raise CACHE_TENANT_BYTES');
    // Whoever reads has the value all the same; and one that is there already may be computed anew.
    expect(await caches[0].get('weather', '4', options)).toHaveLength(400_000);
    await caches[1].warm('weather', '3', options);
    await caches[1].warm('weather', '4', { tenant: 'another' });
    for (const key of await redis().keys(`${prefix}:holdfast:cache:*`)) {
      expect(await redis().pttl(key)).toBeGreaterThan(0);
    }
    await eventually(async () => {
      await expect(caches[0].warm('weather', '4', options)).resolves.toMatchObject({ isCompressed: true });
    }, 10_000);
  }, 20_000);

  it('refuses to keep what is too large, and hands it to whoever reads', async () => {
    WeatherSource.run = () => Promise.resolve(randomBytes(1_100_000).toString('base64'));
    await expect(caches[0].warm('weather', 'huge')).rejects.toThrow('at most 1048576 are kept');
    expect(String(await caches[0].get('weather', 'huge')).length).toBeGreaterThan(1_400_000);
    WeatherSource.run = () => Promise.resolve('x'.repeat(2_097_152));
    await expect(caches[0].warm('weather', 'zipped')).resolves.toMatchObject({
      isCompressed: true,
      bytes: 2_097_154,
    });
    expect(await caches[1].get('weather', 'zipped')).toHaveLength(2_097_152);
  });

  it('warms for as long as it was asked to, give or take a tenth, however long others keep theirs', async () => {
    const reader = await caches[0].get('weather', 'warm', { ttlMs: 1_000 });
    expect(reader).toEqual({ degrees: 1 });
    const warmed = await Promise.all(
      Array.from({ length: 20 }, (_, at) => caches[at % 2]!.warm('weather', 'warm', { ttlMs: 60_000 })),
    );
    for (const { ttlMs } of warmed) expect(Math.abs(ttlMs - 60_000)).toBeLessThanOrEqual(6_000);
    expect(WeatherSource.loads).toBeLessThanOrEqual(3);
    await expect(caches[0].warm('weather', 'warm', { ttlMs: 0 })).rejects.toThrow(RangeError);
  });

  it('names the sources there are to whoever asks for another', async () => {
    await expect(caches[0].get('nothing', 'x')).rejects.toThrow(
      'There is no data source "nothing": use queue-stats, weather.',
    );
  });
});

describe('the cache while Redis is away', () => {
  it('computes what is asked for, once for all readers of a process, and keeps again later', async () => {
    const store = await RedisProcess.start();
    const app = await startApp({ REDIS_URL: store.url });
    const cache = app.get(Cache);
    WeatherSource.reset();
    try {
      await cache.get('weather', 'frozen');
      store.freeze();
      const { run, open } = gate('cloud');
      WeatherSource.run = run;
      const begunAt = performance.now();
      const readers = Array.from({ length: 20 }, () => cache.get('weather', 'frozen'));
      await eventually(async () =>
        expect(await app.get(MetricsRegistry).metrics()).toContain(
          'holdfast_cache_reads_total{source="weather",outcome="bypass"} 20',
        ),
      );
      open();
      expect(new Set(await Promise.all(readers))).toEqual(new Set(['cloud']));
      expect(WeatherSource.loads).toBe(2);
      WeatherSource.run = () => Promise.resolve({ degrees: WeatherSource.loads });
      expect(performance.now() - begunAt).toBeLessThan(6_000);
      await expect(cache.warm('weather', 'frozen')).rejects.toThrow('Redis');
      store.thaw();
      await store.kill();
      await eventually(() => expect(app.get(RedisConnections).isReady()).toBe(false));
      await expect(cache.get('weather', 'killed')).resolves.toEqual({ degrees: 3 });
      await store.start();
      await app.get(RedisConnections).waitUntilReady(10_000);
      await expect(cache.warm('weather', 'killed')).resolves.toMatchObject({ bytes: 13 });
      await expect(cache.get('weather', 'killed')).resolves.toEqual({ degrees: 4 });
    } finally {
      await app.close();
      await store.remove();
    }
  });
});
