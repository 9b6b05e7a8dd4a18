import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { once } from 'node:events';
import { gatherWrites } from '../../../src/platform/redis/gather-writes';

describe('a connection that gathers its commands', () => {
  const key = `test-${randomBytes(6).toString('hex')}`;
  const client = new Redis(String(process.env['TEST_REDIS_URL']));
  gatherWrites(client);

  beforeAll(() => once(client, 'ready'));

  afterAll(async () => {
    await client.del(key);
    client.disconnect();
  });

  const appendAll = (from: number, count: number) =>
    Promise.all(Array.from({ length: count }, (_, at) => client.rpush(key, from + at)));

  it('keeps their order and loses none, however many there are', async () => {
    const lengths = await appendAll(0, 1_003);
    expect(lengths).toEqual(Array.from({ length: 1_003 }, (_, at) => at + 1));
    expect((await client.lrange(key, 0, -1)).map(Number)).toEqual(
      Array.from({ length: 1_003 }, (_, at) => at),
    );
  });

  it('writes those of one turn in pieces of 25', async () => {
    const socket = client.stream;
    const flushed: number[] = [];
    const uncork = socket.uncork.bind(socket);
    socket.uncork = () => {
      flushed.push(socket.writableLength);
      uncork();
    };
    await appendAll(1_003, 60);
    expect(flushed.filter((bytes) => bytes > 0)).toHaveLength(3);
  });

  it('holds nothing back on the socket that follows a lost one', async () => {
    const isBack = once(client, 'ready');
    const before = client.ping();
    client.stream.destroy();
    await Promise.all([before, isBack]);
    expect(await client.ping()).toBe('PONG');
    expect(client.stream.writableCorked).toBe(0);
  });
});
