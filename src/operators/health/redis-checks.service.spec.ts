import { Settings } from '../../config/settings';
import type { RedisConnections } from '../../platform/redis/redis-connections.service';
import { RedisChecks } from './redis-checks.service';

const noPermission = new Error("NOPERM this user has no permissions to run the 'config|get' command");

function checksOn(
  redis: Partial<Record<'config' | 'info' | 'set' | 'ping', () => Promise<unknown>>>,
  isReady = true,
) {
  const producer = { once: jest.fn(), ...redis };
  const pingMs = async () => {
    await redis.ping?.();
    return 1;
  };
  const connections = { isReady: () => isReady, producer, pingMs } as unknown as RedisConnections;
  return { checks: new RedisChecks(connections, new Settings()), producer };
}

describe('RedisChecks', () => {
  it('is content with noeviction', async () => {
    const { checks } = checksOn({ config: async () => ['maxmemory-policy', 'noeviction'] });
    await expect(checks.keepsEveryJob()).resolves.toEqual({ policy: 'noeviction' });
  });

  it('names a policy that loses jobs', async () => {
    const { checks } = checksOn({ config: async () => ['maxmemory-policy', 'allkeys-lru'] });
    await expect(checks.keepsEveryJob()).rejects.toThrow('maxmemory-policy is allkeys-lru');
  });

  it.each([noPermission, new Error("ERR unknown command 'CONFIG'")])(
    'reads INFO where CONFIG is forbidden',
    async (refusal) => {
      const { checks } = checksOn({
        config: () => Promise.reject(refusal),
        info: async () => '# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:volatile-lru\r\n',
      });
      await expect(checks.keepsEveryJob()).rejects.toThrow('maxmemory-policy is volatile-lru');
    },
  );

  it('is not content with a policy it cannot read', async () => {
    const { checks } = checksOn({ config: () => Promise.reject(noPermission), info: async () => '' });
    await expect(checks.keepsEveryJob()).rejects.toThrow('The eviction policy cannot be read.');
  });

  it('asks for the policy again only after ten seconds', async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const config = jest.fn(async () => ['maxmemory-policy', 'noeviction']);
    const { checks } = checksOn({ config });
    await checks.keepsEveryJob();
    jest.setSystemTime(1_009_999);
    await checks.keepsEveryJob();
    expect(config).toHaveBeenCalledTimes(1);
    jest.setSystemTime(1_010_000);
    await checks.keepsEveryJob();
    expect(config).toHaveBeenCalledTimes(2);
    jest.useRealTimers();
  });

  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", 'Redis refuses to write (OOM).'],
    ["READONLY You can't write against a read only replica.", 'Redis refuses to write (READONLY).'],
    ['Command timed out', 'Redis refuses to write.'],
    ['ERR secret text, script: 0123abc', 'Redis refuses to write.'],
  ])('shows of "%s" the first word at most', async (reply, shown) => {
    const { checks } = checksOn({ set: () => Promise.reject(new Error(reply)) });
    await expect(checks.acceptsWrites()).rejects.toMatchObject({ message: shown });
  });

  it('lets what it writes expire, under a key of ours', async () => {
    const set = jest.fn(async () => 'OK');
    const { checks } = checksOn({ set });
    await checks.acceptsWrites();
    expect(set).toHaveBeenCalledWith('bull:holdfast:write-probe', expect.any(String), 'PX', 60_000);
  });

  it('asks nothing of a Redis that is not connected', async () => {
    const asked = jest.fn();
    const { checks } = checksOn({ config: asked, set: asked, ping: asked }, false);
    for (const check of [checks.answers(), checks.acceptsWrites(), checks.keepsEveryJob()]) {
      await expect(check).rejects.toThrow('Redis is not connected.');
    }
    expect(asked).not.toHaveBeenCalled();
  });

  it('remembers the first connection', () => {
    const { checks, producer } = checksOn({}, false);
    checks.onModuleInit();
    expect(() => checks.wasReached()).toThrow('Redis has not been reached yet.');
    producer.once.mock.calls[0]?.[1]();
    expect(() => checks.wasReached()).not.toThrow();
  });
});
