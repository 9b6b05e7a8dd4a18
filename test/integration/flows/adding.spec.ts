import { FlowProducer } from 'bullmq';
import { JobKeyConflictError } from '../../../src/platform/queue/add-job';
import { PayloadInvalidError } from '../../../src/platform/queue/job-payload';
import { FlowAdder } from '../../../src/platform/flows/flow-adder.service';
import { MAX_FLOW_JOBS, type FlowNode } from '../../../src/platform/flows/flow-node';
import { Database } from '../../../src/platform/database/database.service';
import { flows } from '../../../src/platform/flows/flows.tables';
import { outbox } from '../../../src/platform/outbox/outbox.tables';
import { Outbox } from '../../../src/platform/outbox/outbox.service';
import { removeKeys } from '../../support/queue-app';
import { FlowScene, part, whole } from './flow-scene';

describe('adding a flow', () => {
  let scene: FlowScene;
  let adder: FlowAdder;

  beforeAll(async () => {
    scene = await FlowScene.open();
    adder = scene.app.get(FlowAdder);
  });
  beforeEach(() => removeKeys(scene.app, scene.prefix));
  afterAll(() => scene.close());

  const tree = whole(
    'a',
    part('left', { options: { priority: 'urgent' } }),
    part('right', {
      onFailure: 'degrades-parent',
      children: [part('deep'), part('late', { options: { delayMs: 60_000 } })],
    }),
  );

  /** Every key of both queues with what it holds; ids of streams and what BullMQ stores twice left out. */
  async function layout(): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    for (const key of (await scene.redis.keys(`${scene.prefix}:*`)).sort()) {
      const name = key.slice(scene.prefix.length);
      if (name.startsWith(':holdfast:')) continue;
      switch (await scene.redis.type(key)) {
        case 'hash':
          found[name] = hashOf(await scene.redis.hgetall(key));
          break;
        case 'list':
          found[name] = await scene.redis.lrange(key, 0, -1);
          break;
        case 'set':
          found[name] = (await scene.redis.smembers(key)).sort();
          break;
        case 'zset':
          found[name] = await scene.redis.zrange(key, '0', '-1', 'WITHSCORES');
          break;
        case 'stream':
          found[name] = (await scene.redis.xrange(key, '-', '+')).map(([, fields]) => fields);
          break;
        default:
          found[name] = await scene.redis.get(key);
      }
    }
    return found;
  }

  function hashOf({ opts, parent, ...fields }: Record<string, string>): Record<string, unknown> {
    if (opts === undefined) return fields;
    const {
      jobId: _id,
      timestamp: _time,
      origin: _origin,
      ...options
    } = JSON.parse(opts) as Record<string, unknown>;
    return {
      ...fields,
      timestamp: 0,
      options,
      ...(parent !== undefined && { parent: JSON.parse(parent) as object }),
    };
  }

  /** The same flow by BullMQ's own producer, with the same ids and options. */
  async function addByBullmq(root: FlowNode): Promise<void> {
    const members = adder.members(root, { key: 'k' });
    const producer = new FlowProducer({ connection: scene.redis, prefix: scene.prefix });
    const timestamp = 1_700_000_000_000;
    const nodeAt = (path: string): Parameters<FlowProducer['add']>[0] => {
      const { id, known, node } = members.find((one) => one.path === path)!;
      const below = members.filter(({ parent }) => parent === path);
      const isPrioritized = known.definition.hasPriorities === true;
      return {
        name: node.type,
        queueName: known.definition.name,
        data: node.payload,
        opts: {
          jobId: id,
          timestamp,
          attempts: 1,
          backoff: { type: 'exponential', delay: 1_000 },
          stackTraceLimit: 10,
          ...(isPrioritized && { priority: node.options?.priority === 'urgent' ? 1 : 10 }),
          ...(node.options?.delayMs !== undefined && { delay: node.options.delayMs }),
          ...(node.onFailure === 'fails-parent' && { failParentOnFailure: true }),
          ...(node.onFailure === 'degrades-parent' && { ignoreDependencyOnFailure: true }),
        },
        ...(below.length > 0 && { children: below.map((child) => nodeAt(child.path)) }),
      };
    };
    await producer.add(nodeAt(''));
    await producer.close();
  }

  it('lays its jobs out exactly as BullMQ does', async () => {
    const meet = async () => {
      await scene.redis.hset(`${scene.prefix}:parts:meta`, { 'opts.maxLenEvents': 1_000 });
      await scene.redis.hset(`${scene.prefix}:wholes:meta`, { 'opts.maxLenEvents': 1_000 });
    };
    const now = jest.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000);
    try {
      await meet();
      await addByBullmq(tree);
      const stock = await layout();
      await removeKeys(scene.app, scene.prefix);
      await meet();
      await adder.add(tree, { key: 'k' });
      expect(await layout()).toEqual(stock);
      expect(Object.keys(stock).length).toBeGreaterThan(12);
    } finally {
      now.mockRestore();
    }
  });

  it('makes one flow of two hundred adds of the same key at once', async () => {
    const added = await Promise.all(Array.from({ length: 200 }, () => adder.add(tree, { key: 'same' })));
    expect(added.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(added.map(({ id }) => id)).size).toBe(1);
    expect(await scene.redis.zcard(`${scene.prefix}:parts:prioritized`)).toBe(2);
  });

  it('leaves a flow alone whose child has died meanwhile', async () => {
    await adder.add(tree, { key: 'again', isPromised: true });
    const before = await layout();
    await adder.add(tree, { key: 'again', isPromised: true });
    expect(await layout()).toEqual(before);
  });

  it('refuses another payload under the same key, and a job in the way, and stores nothing then', async () => {
    await adder.add(tree, { key: 'taken' });
    await expect(adder.add(whole('b', part('left')), { key: 'taken' })).rejects.toThrow(JobKeyConflictError);
    await removeKeys(scene.app, scene.prefix);
    const [, child] = adder.members(tree, { key: 'way' });
    await scene.redis.hset(`${scene.prefix}:parts:${child?.id}`, { name: 'make-part' });
    await expect(adder.add(tree, { key: 'way' })).rejects.toThrow(JobKeyConflictError);
    expect(await scene.redis.exists(`${scene.prefix}:wholes:waiting-children`)).toBe(0);
  });

  it('refuses the whole flow for one wrong payload, a name that is there twice, and too many jobs', async () => {
    const wrong = whole('a', part('left', { payload: { text: 7 } }));
    await expect(adder.add(wrong, { key: 'x' })).rejects.toThrow(PayloadInvalidError);
    await expect(adder.add(whole('a', part('p'), part('p')), { key: 'x' })).rejects.toThrow(
      'names of their own',
    );
    const many = whole('a', ...Array.from({ length: MAX_FLOW_JOBS }, (_, at) => part(`p${at}`)));
    await expect(adder.add(many, { key: 'x' })).rejects.toThrow('at most 250 jobs');
    expect(await scene.redis.keys(`${scene.prefix}:wholes:*`)).toEqual([]);
  });

  it('stores nothing while a key of one of its queues holds something else', async () => {
    await scene.redis.set(`${scene.prefix}:parts:prioritized`, 'spoiled');
    await expect(adder.add(tree, { key: 'x' })).rejects.toThrow('WRONGTYPE');
    expect(await scene.redis.exists(`${scene.prefix}:wholes:waiting-children`)).toBe(0);
  });

  it('seals secrets in the outbox and in Redis, and opens them for the handler alone', async () => {
    const secret = 'correct horse battery';
    const database = scene.app.get(Database);
    const root = whole('a', part('locked', { payload: { text: 'locked', password: secret } }));
    await database
      .transaction(async (transaction) => {
        await scene.app.get(Outbox).putFlow(transaction, { key: 's', root });
        const rows = await transaction.select().from(outbox);
        expect(
          JSON.stringify(rows, (_key, value: unknown) => (typeof value === 'bigint' ? '' : value)),
        ).not.toContain(secret);
        throw new Error('rolled back');
      })
      .catch((error: Error) => expect(error.message).toBe('rolled back'));
    await adder.add(root, { key: 's' });
    const [, { id }] = adder.members(root, { key: 's' }) as [unknown, { id: string }];
    expect(await scene.redis.hget(`${scene.prefix}:parts:${id}`, 'data')).not.toContain(secret);
  });

  it('is promised with its row, relayed once, and is not there when the row is not', async () => {
    const database = scene.app.get(Database);
    await database
      .transaction(async (transaction) => {
        await scene.flows.start(transaction, { key: 'never', root: tree });
        throw new Error('rolled back');
      })
      .catch(() => undefined);
    expect(await scene.flows.status('never', 'default')).toBeUndefined();
    const id = await scene.start('promise', tree);
    expect(await scene.start('promise', tree)).toBe(id);
    await scene.untilJob('promise', '', 'waiting-children');
    expect(await database.query.select().from(flows)).toHaveLength(1);
    expect(await scene.status('promise')).toMatchObject({
      id,
      state: 'running',
      root: {
        children: [
          { name: 'left', state: 'waiting' },
          { name: 'right', state: 'waiting-children' },
        ],
      },
    });
    expect(await scene.flows.status('promise', 'another')).toBeUndefined();
  });
});
