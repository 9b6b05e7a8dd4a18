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

  /** Jobs that have ended when nobody removed any. */
  const ended = async (count: number) => {
    await scene.add(count);
    const worker = work(-1);
    await scene.until({ completed: count, active: 0 });
    await worker.close();
  };
  const addMore = (count: number) => scene.add(count, (at) => ({ jobId: `jlater${at}` }));

  it('all stay where the queue says nothing, and go once it does, two for each that ends', async () => {
    await ended(100);
    work(0);
    await addMore(25);
    await scene.until({ completed: 75, active: 0 });
  });

  const field = (name: string, value: string) => (id: string) =>
    scene.redis.hset(`${scene.prefix}:${NAME}:${id}`, name, value);

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['started more than once', field('ats', '2')],
    ['with a record of an attempt', field(ATTEMPTS_FIELD, '[]')],
    ['sent back', field('opts', '{"origin":{"generation":1}}')],
    ['of a scheduler', field('rjk', 'each-day')],
    ['of a deduplication', field('deid', 'one')],
    ['parts of a flow', field('parentKey', 'bull:other:1')],
    [
      'with children that have ended',
      (id) => scene.redis.hset(`${scene.prefix}:${NAME}:${id}:processed`, 'a', '1'),
    ],
    ['with a lock', (id) => scene.redis.set(`${scene.prefix}:${NAME}:${id}:lock`, 'somebody')],
    ['with a dead letter', (id) => scene.redis.sadd(lettered(), id)],
  ])('stay for the sweeper when they are %s', async (_, mark) => {
    await ended(40);
    await mark('j3');
    await mark('j20');
    work(0);
    await addMore(60);
    await scene.until({ completed: 2, active: 0, waiting: 0 });
    expect((await hashes()).filter((name) => !name.includes(':')).toSorted()).toEqual(['j20', 'j3']);
  });

  it('stop no job that ends when something of theirs is spoiled', async () => {
    await ended(30);
    await scene.redis.set(`${scene.prefix}:${NAME}:j4`, 'no hash');
    await scene.redis.set(lettered(), 'no set');
    work(0);
    await addMore(30);
    await scene.until({ active: 0, waiting: 0, completed: 60 });
    expect(scene.errors).toEqual([]);
    await scene.redis.del(lettered());
    await scene.add(1, { jobId: 'jlast' });
    await scene.until({ active: 0, waiting: 0, completed: 59 });
  });
});
