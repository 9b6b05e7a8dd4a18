import type { TestingModule } from '@nestjs/testing';
import { QueueEnds } from '../../../src/platform/queue/queue-ends.service';
import { QueueRegistry, type RegisteredQueue } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { QueueModule } from '../../../src/platform/queue/queue.module';
import { NotesModule, NotesProducer, notesQueue } from '../../support/notes-queue';
import { removeKeys, startQueueApp } from '../../support/queue-app';
import { RedisProcess } from '../../support/redis-process';

describe('the ends of queues', () => {
  let app: TestingModule;
  let entry: RegisteredQueue;

  beforeAll(async () => {
    app = await startQueueApp([NotesModule]);
    entry = app.get(QueueRegistry).get(notesQueue.name)!;
  });

  afterAll(async () => {
    await removeKeys(app, entry.queue.opts.prefix!);
    await app.close();
  });

  const keyOf = (name: string) => `${entry.queue.opts.prefix}:${notesQueue.name}:${name}`;
  const redis = () => app.get(RedisConnections).producer;
  const ends = async () => (await app.get(QueueEnds).of([entry])).get(entry);

  it('are the newest job of each set and the newest event, and nothing where nothing is', async () => {
    expect(await ends()).toEqual({});
    await app.get(NotesProducer, { strict: false }).write('hello');
    await redis().zadd(keyOf('completed'), 2_000, 'b', 1_000, 'z', 2_000, 'a');
    const [[event] = []] = await redis().xrevrange(keyOf('events'), '+', '-', 'COUNT', 1);
    expect(await ends()).toEqual({ completed: { id: 'b', score: '2000' }, event });
  });

  it('count as new where a place holds something else, and hide no other place', async () => {
    await redis().set(keyOf('failed'), 'no set');
    expect(await ends()).toMatchObject({ completed: { id: 'b' }, failed: { score: 'Infinity' } });
  });
});

describe('the ends of queues on a Cluster', () => {
  it('are told of queues of different domains, which lie in different slots', async () => {
    const redis = await RedisProcess.prepare({ isCluster: true });
    const definitions = ['one', 'other'].map((domain) => ({
      ...notesQueue,
      name: `notes-${domain}`,
      domain,
      jobs: { [`note-${domain}`]: notesQueue.jobs['write-note'] },
    }));
    let app: TestingModule | undefined;
    try {
      await redis.start();
      const queues = definitions.map((definition) => QueueModule.forQueue(definition));
      const nodes = `127.0.0.1:${redis.port}`;
      app = await startQueueApp(queues, { REDIS_URL: '', REDIS_CLUSTER_NODES: nodes });
      const entries = app.get(QueueRegistry).all();
      const prefixes = entries.map(({ queue }) => queue.opts.prefix!);
      expect(new Set(prefixes).size).toBe(2);
      for (const [at, { definition }] of entries.entries())
        await app.get(RedisConnections).producer.zadd(`${prefixes[at]}:${definition.name}:failed`, at, 'a');
      const ends = await app.get(QueueEnds).of(entries);
      expect(entries.map((entry) => ends.get(entry))).toEqual([
        { failed: { id: 'a', score: '0' } },
        { failed: { id: 'a', score: '1' } },
      ]);
    } finally {
      await app?.close();
      await redis.remove();
    }
  }, 60_000);
});
