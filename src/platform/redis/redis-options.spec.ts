import { readSettings } from '../../config/read-settings';
import { redisTarget } from './redis-options';

const target = (environment: Record<string, string>) => redisTarget(readSettings(environment), 'producer');

describe('the address of Redis', () => {
  it('comes from an URL with its credentials and database', () => {
    expect(target({ REDIS_URL: 'redis://ann:p%40ss@store:6390/3' })).toMatchObject({
      kind: 'single',
      options: { host: 'store', port: 6390, username: 'ann', password: 'p@ss', db: 3 },
    });
  });

  it('means TLS when it begins with rediss', () => {
    const { options } = target({ REDIS_URL: 'rediss://default:x@store.example' }) as {
      options: { tls?: object };
    };
    expect(options.tls).toEqual({ servername: 'store.example' });
    expect(target({ REDIS_URL: 'redis://store.example' }).options).not.toHaveProperty('tls');
  });

  it('refuses a database that is not a number, with the right form', () => {
    expect(() => target({ REDIS_URL: 'redis://store/jobs' })).toThrow('@host:port/0');
  });

  it('comes from parts, TLS included', () => {
    expect(
      target({
        REDIS_HOST: 'store',
        REDIS_PORT: '7000',
        REDIS_PASSWORD: 'pw',
        REDIS_DB: '2',
        REDIS_TLS: 'true',
      }),
    ).toMatchObject({
      options: { host: 'store', port: 7000, password: 'pw', db: 2, tls: { servername: 'store' } },
    });
  });

  it('comes from sentinels', () => {
    expect(
      target({
        REDIS_SENTINELS: 'a:26379,b:26380',
        REDIS_SENTINEL_NAME: 'jobs',
        REDIS_SENTINEL_PASSWORD: 's',
      }),
    ).toMatchObject({
      options: {
        name: 'jobs',
        sentinelPassword: 's',
        sentinels: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 26380 },
        ],
      },
    });
  });

  it('comes from the nodes of a Cluster', () => {
    expect(target({ REDIS_CLUSTER_NODES: 'a:1,b:2', REDIS_PASSWORD: 'pw' })).toMatchObject({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
      options: { redisOptions: { password: 'pw', maxRetriesPerRequest: 1 } },
    });
  });

  it('fails fast for producers and never gives up for workers', () => {
    const worker = redisTarget(readSettings({ REDIS_HOST: 'store' }), 'worker');
    expect(target({ REDIS_HOST: 'store' })).toMatchObject({
      options: { maxRetriesPerRequest: 1, commandTimeout: 2_000 },
    });
    expect(worker).toMatchObject({ options: { maxRetriesPerRequest: null, socketTimeout: 30_000 } });
  });
});
