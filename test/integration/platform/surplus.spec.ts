import { FlowProducer } from 'bullmq';
import { letteredJobsKey } from '../../../src/platform/queue/dead-letter-name';
import { ATTEMPTS_FIELD } from '../../../src/platform/queue/attempt-record';
import { eventually } from '../../support/eventually';
import { NAME, WorkerScene } from '../../support/worker-scene';

const KEPT = 10;

describe('completed jobs beyond those that a queue keeps', () => {
  let scene: WorkerScene;
  beforeEach(() => (scene = new WorkerScene(true)));
  afterEach(() => scene.close());

  const lettered = () => letteredJobsKey(scene.prefix, NAME);
  const work = (kept = KEPT) =>
    scene.work(() => Promise.resolve('done'), 50, {}, { kept, lettered: lettered() });
  const hashes = async (): Promise<string[]> => {
    const names = await scene.redis.keys(`${scene.prefix}:${NAME}:j*`);
    return names.map((name) => name.slice(scene.prefix.length + NAME.length + 2));
  };

  it('leave Redis as others end, with their logs, the oldest first', async () => {
    await scene.add(200);
    await scene.queue.addJobLog('j0', 'a line');
    work();
    await scene.until({ completed: KEPT, active: 0, waiting: 0 });
    const left = await scene.queue.getCompleted();
    expect(left).toHaveLength(KEPT);
    expect((await hashes()).toSorted()).toEqual(left.map(({ id }) => String(id)).toSorted());
    await scene.add(1, { jobId: 'jlast' });
    await eventually(async () =>
      expect((await scene.queue.getCompleted(0, 0)).map(({ id }) => id)).toEqual(['jlast']),
    );
    expect(await scene.queue.getCompletedCount()).toBe(KEPT);
  });

  it('leave by the dozen as they end together, and are told all the same', async () => {
    await scene.add(KEPT);
    const worker = work();
    await scene.until({ completed: KEPT, active: 0, waiting: 0 });
    await worker.close();
    await scene.queue.trimEvents(0);
    await scene.add(100, (at) => ({ jobId: `jlater${at}` }));
    work();
    await scene.until({ completed: KEPT, active: 0, waiting: 0 });
    const events = await scene.redis.xrange(`${scene.prefix}:${NAME}:events`, '-', '+');
    const told = events.flatMap(([, fields]) => (fields[1] === 'completed' ? [fields[3]!] : []));
    expect(told.toSorted()).toEqual(Array.from({ length: 100 }, (_, at) => `jlater${at}`).toSorted());
    const newest = (await scene.queue.getCompleted(0, 0)).map(({ id }) => id);
    expect(newest).toEqual([told.at(-1)]);
  });

  it('all stay where the queue says nothing, and where they ended before it did', async () => {
    await scene.add(60);
    const worker = work(-1);
    await scene.until({ completed: 60, active: 0 });
    await worker.close();
    work(0);
    await scene.add(30, (at) => ({ jobId: `jlater${at}` }));
    await scene.until({ completed: 60, active: 0, waiting: 0 });
    expect(await scene.queue.getJob('jlater7')).toBeUndefined();
  });

  it('go two for each that ends, until no more are left than are kept', async () => {
    await scene.add(100);
    const worker = work(100);
    await scene.until({ completed: 100, active: 0 });
    await worker.close();
    work(0);
    await scene.add(25, (at) => ({ jobId: `jlater${at}` }));
    await scene.until({ completed: 75, active: 0, waiting: 0 });
    await scene.add(75, (at) => ({ jobId: `jlast${at}` }));
    await scene.until({ completed: 0, active: 0, waiting: 0 });
    expect(await hashes()).toEqual([]);
  });

  it('are passed over when they have run again, or have gone, since they ended', async () => {
    await scene.add(3);
    const worker = work(3);
    await scene.until({ completed: 3, active: 0 });
    await scene.queue.getJob('j0').then((job) => job?.retry('completed'));
    await scene.until({ completed: 3, active: 0, waiting: 0 });
    await scene.queue.remove('j1');
    await worker.close();
    work(0);
    await scene.add(10, (at) => ({ jobId: `jlater${at}` }));
    await scene.until({ completed: 1, active: 0, waiting: 0 });
    expect(await hashes()).toEqual(['j0']);
  });

  const field = (name: string, value: string) => (id: string) =>
    scene.redis.hset(`${scene.prefix}:${NAME}:${id}`, name, value);

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['started more than once', field('ats', '1')],
    ['with a record of an attempt', field(ATTEMPTS_FIELD, '[]')],
    ['sent back', field('opts', '{"origin":{"generation":1}}')],
    ['of a deduplication', field('deid', 'one')],
    ['with a dead letter', (id) => scene.redis.sadd(lettered(), id)],
  ])('stay for the sweeper when they are %s', async (_, mark) => {
    await scene.add(60);
    await scene.queue.pause();
    work(0);
    await mark('j3');
    await mark('j20');
    await scene.queue.resume();
    await scene.until({ completed: 2, active: 0, waiting: 0 });
    expect((await hashes()).filter((name) => !name.includes(':')).toSorted()).toEqual(['j20', 'j3']);
  });

  it('stay for the sweeper when they are parts of a flow', async () => {
    const flows = new FlowProducer({ connection: scene.redis, prefix: scene.prefix });
    await flows.add({
      name: 'parent',
      queueName: NAME,
      data: {},
      opts: { jobId: 'jparent' },
      children: [{ name: 'child', queueName: NAME, data: {}, opts: { jobId: 'jchild' } }],
    });
    await flows.close();
    work(0);
    await scene.until({ completed: 2, active: 0, waiting: 0, 'waiting-children': 0 });
    await scene.add(20);
    await scene.until({ completed: 2, active: 0, waiting: 0 });
    expect((await hashes()).filter((name) => !name.includes(':')).toSorted()).toEqual(['jchild', 'jparent']);
  });

  it('stop no job that ends when something of theirs is spoiled', async () => {
    await scene.add(30);
    await scene.redis.set(lettered(), 'no set');
    await scene.redis.set(`${scene.prefix}:${NAME}:completed:plain`, 'no list');
    work(0);
    await scene.until({ active: 0, waiting: 0, completed: 30 });
    expect(scene.errors).toEqual([]);
    await scene.redis.del(lettered());
    await scene.redis.del(`${scene.prefix}:${NAME}:completed:plain`);
    await scene.add(1, { jobId: 'jlast' });
    await scene.until({ active: 0, waiting: 0, completed: 30 });
    expect(await scene.queue.getJob('jlast')).toBeUndefined();
  });
});
