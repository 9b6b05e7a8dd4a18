import { randomBytes } from 'node:crypto';
import { readSettings } from '../../../src/config/read-settings';
import { Leader } from '../../../src/platform/leader/leader.service';
import { Lease } from '../../../src/platform/leader/lease';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { platformKey } from '../../../src/platform/redis/key-space';
import { eventually } from '../../support/eventually';

describe('periodic work under a lease', () => {
  const settings = readSettings({
    REDIS_URL: process.env['TEST_REDIS_URL'],
    REDIS_PREFIX: `test-${randomBytes(6).toString('hex')}`,
  });
  const connections = [new RedisConnections(settings), new RedisConnections(settings)] as const;
  const leaders = connections.map((connection) => new Leader(connection, settings));

  beforeAll(() => Promise.all(connections.map((connection) => connection.waitUntilReady(5_000))));

  afterAll(async () => {
    await connections[0].producer.del(
      platformKey(settings, 'leader:work'),
      platformKey(settings, 'leader:broken'),
      platformKey(settings, 'leader:taken'),
    );
    await Promise.all(connections.map((connection) => connection.onApplicationShutdown()));
  });

  it('is done by one process, and by the other once that one has stopped', async () => {
    const turns = [0, 0];
    leaders.forEach((leader, index) =>
      leader.every('work', 20, () => {
        turns[index] = (turns[index] ?? 0) + 1;
        return Promise.resolve();
      }),
    );
    await eventually(() => expect(Math.max(...turns)).toBeGreaterThan(5));
    expect(Math.min(...turns)).toBe(0);
    const holder = turns[0] === 0 ? 1 : 0;
    await leaders[holder]?.beforeApplicationShutdown();
    await eventually(() => expect(turns[1 - holder]).toBeGreaterThan(0));
    await leaders[1 - holder]?.beforeApplicationShutdown();
  });

  it('asks Redis about once a second, however often it is done', async () => {
    let turns = 0;
    const { producer } = connections[0];
    const asked = jest.spyOn(producer, 'eval');
    const leader = new Leader(connections[0], settings);
    leader.every('quick', 20, () => {
      turns += 1;
      return Promise.resolve();
    });
    await eventually(() => expect(turns).toBe(20));
    expect(asked).toHaveBeenCalledTimes(1);
    await eventually(() => expect(asked).toHaveBeenCalledTimes(2));
    asked.mockRestore();
    await leader.beforeApplicationShutdown();
  });

  it('ends within a second where somebody else has the lease by then, and leaves it to them', async () => {
    const { producer } = connections[0];
    const key = platformKey(settings, 'leader:taken');
    const lease = new Lease(producer, key, 'this process', 20);
    expect(await lease.hold()).toBe(true);
    // As after a Redis that has forgotten who held it.
    await producer.set(key, 'another process');
    await eventually(async () => expect(await lease.hold()).toBe(false), 1_500);
    await lease.release();
    expect(await producer.get(key)).toBe('another process');
  });

  it('goes on after a turn that failed', async () => {
    let turns = 0;
    const leader = new Leader(connections[0], settings);
    leader.every('broken', 20, () => {
      turns += 1;
      return Promise.reject(new Error('boom'));
    });
    await eventually(() => expect(turns).toBeGreaterThan(2));
    await leader.beforeApplicationShutdown();
  });
});
