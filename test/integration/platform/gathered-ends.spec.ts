import { FlowProducer, type Job } from 'bullmq';
import { gatheredJobsScript } from '../../../src/platform/worker/gathered-jobs-script';
import { eventually } from '../../support/eventually';
import { Hold, NAME, WorkerScene } from '../../support/worker-scene';

describe('a worker whose ends are gathered', () => {
  const scenes: WorkerScene[] = [];
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close();
  });

  const open = (isGathered = true) => {
    const scene = new WorkerScene(isGathered);
    scenes.push(scene);
    return scene;
  };

  const scenarios: Record<string, (scene: WorkerScene) => Promise<void>> = {
    'plain jobs, twice as many as fit into the worker': async (scene) => {
      await scene.add(120, { attempts: 2 });
      scene.work((job) => Promise.resolve({ seen: (job.data as { at: number }).at }));
      await scene.until({ completed: 120, active: 0, waiting: 0 });
    },
    'some that fail for good, some that are tried again and come back later': async (scene) => {
      await scene.add(60, (at) => ({
        attempts: at % 3 === 0 ? 1 : 2,
        backoff: { type: 'fixed', delay: 20 },
      }));
      scene.work((job) => {
        const { at } = job.data as { at: number };
        if (at % 3 === 0 || (at % 3 === 1 && job.attemptsMade === 0)) return Promise.reject(new Error('no'));
        return Promise.resolve(at);
      });
      await scene.until({ completed: 40, failed: 20, delayed: 0, active: 0 });
    },
    'priorities, delays and deduplication among them': async (scene) => {
      await scene.add(60, (at) => ({
        ...(at % 3 === 0 && { priority: 1 + (at % 5) }),
        ...(at % 3 === 1 && { delay: 5 }),
        ...(at % 7 === 0 && { deduplication: { id: `d${at}` } }),
      }));
      scene.work(() => Promise.resolve());
      await scene.until({ completed: 60, delayed: 0, prioritized: 0, active: 0 });
    },
    'parents that wait for their children': async (scene) => {
      const flows = new FlowProducer({ connection: scene.redis, prefix: scene.prefix });
      for (let at = 0; at < 8; at += 1) {
        const child = (which: number) => ({
          name: 'child',
          queueName: NAME,
          data: { which },
          opts: { jobId: `c${at}-${which}` },
        });
        await flows.add({
          name: 'parent',
          queueName: NAME,
          data: {},
          opts: { jobId: `p${at}` },
          children: [child(1), child(2), child(3)],
        });
      }
      scene.work((job) => Promise.resolve(job.name));
      await scene.until({ completed: 32, 'waiting-children': 0, active: 0 });
      await flows.close();
    },
    'a queue that lets only a few run at a time': async (scene) => {
      await scene.queue.setGlobalConcurrency(3);
      await scene.add(30);
      scene.work(() => Promise.resolve());
      await scene.until({ completed: 30, active: 0, waiting: 0 });
    },
    'a queue that lets only a few start in a while': async (scene) => {
      await scene.queue.setGlobalRateLimit(20, 50);
      await scene.add(50);
      scene.work(() => Promise.resolve());
      await scene.until({ completed: 50, active: 0, waiting: 0 });
      await scene.redis.del(`${scene.prefix}:${NAME}:limiter`);
    },
    'a worker that limits its own rate': async (scene) => {
      await scene.add(50);
      scene.work(() => Promise.resolve(), 50, { limiter: { max: 20, duration: 50 } });
      await scene.until({ completed: 50, active: 0, waiting: 0 });
      await scene.redis.del(`${scene.prefix}:${NAME}:limiter`);
    },
    'jobs that say themselves how long they stay': async (scene) => {
      await scene.add(30, (at) => ({ removeOnComplete: at % 2 === 0 }));
      scene.work(() => Promise.resolve());
      await scene.until({ completed: 15, active: 0, waiting: 0 });
    },
  };

  it.each(Object.keys(scenarios))('leaves what BullMQ leaves: %s', async (name) => {
    const [ours, stock] = [open(), open(false)];
    await Promise.all([scenarios[name]!(ours), scenarios[name]!(stock)]);
    expect(await ours.census()).toEqual(await stock.census());
    expect(ours.errors).toEqual([]);
  });

  it('sends the ends of one turn together', async () => {
    const scene = open();
    await scene.add(1_000);
    let calls = 0;
    const send = scene.redis.sendCommand.bind(scene.redis);
    scene.redis.sendCommand = (command, stream) => {
      if (command.name === 'evalsha') calls += 1;
      return send(command, stream);
    };
    scene.work(() => Promise.resolve());
    await scene.until({ completed: 1_000, active: 0 });
    expect(calls).toBeLessThan(300);
  });

  it('takes no job while its queue is paused, and goes on after it', async () => {
    const scene = open();
    const hold = new Hold();
    await scene.add(60);
    scene.work((job) => (job.id === 'j0' ? hold.promise : Promise.resolve()), 1);
    await scene.until({ active: 1 });
    await scene.queue.pause();
    hold.release();
    await scene.until({ active: 0, completed: 1, waiting: 59 });
    await scene.queue.resume();
    await scene.until({ completed: 60 });
  });

  it('tells of the one that has lost its lock, and finishes the others', async () => {
    const scene = open();
    const [holds, started] = [new Hold(), new Set<string>()];
    await scene.add(20);
    scene.work(async (job) => {
      started.add(String(job.id));
      await holds.promise;
    });
    await eventually(() => expect(started.size).toBe(20));
    await scene.redis.set(`${scene.prefix}:${NAME}:j7:lock`, 'of its successor');
    holds.release();
    await scene.until({ completed: 19, active: 1 });
    await eventually(() =>
      expect(scene.errors.map(({ message }) => message)).toContainEqual(expect.stringMatching(/j7/)),
    );
    await scene.redis.del(`${scene.prefix}:${NAME}:j7:lock`);
  });

  it('lets no job that cannot be read stand in the way of the others', async () => {
    const scene = open();
    await scene.add(60);
    await scene.redis.set(`${scene.prefix}:${NAME}:j55`, 'no hash');
    scene.work(() => Promise.resolve());
    await scene.until({ completed: 59, active: 1, waiting: 0 });
  });

  it('ends a job although its successor cannot be made', async () => {
    const scene = open();
    await scene.add(60);
    await scene.redis.hset(`${scene.prefix}:${NAME}:j55`, 'opts', 'no JSON');
    scene.work(() => Promise.resolve(), 10);
    await scene.until({ completed: 59, active: 1, waiting: 0 });
    expect(scene.errors).toEqual([]);
  });

  it('loses no job where a key of the queue is spoiled, and goes on when it is mended', async () => {
    const scene = open();
    await scene.add(30);
    const hold = new Hold();
    let started = 0;
    const worker = scene.work(async () => {
      started += 1;
      await hold.promise;
    });
    await eventually(() => expect(started).toBe(30));
    const stalled = `${scene.prefix}:${NAME}:stalled`;
    await scene.redis.set(stalled, 'no set');
    hold.release();
    await eventually(() => expect(scene.errors.length).toBeGreaterThan(0));
    expect(await scene.queue.getJobCounts('active', 'completed')).toEqual({ active: 30, completed: 0 });
    await worker.close(true);
    await scene.redis.del(stalled);
  });

  it('works beside a worker that does not gather', async () => {
    const scene = open();
    const stock = new WorkerScene(false);
    scenes.push(stock);
    Object.assign(stock, { prefix: scene.prefix });
    const runs: string[] = [];
    const handler = (job: Job) => Promise.resolve(void runs.push(String(job.id)));
    await scene.add(400);
    scene.work(handler, 20);
    stock.work(handler, 20);
    await scene.until({ completed: 400, active: 0 });
    expect(new Set(runs).size).toBe(400);
    expect(runs).toHaveLength(400);
  });
});

describe('the script that gathers', () => {
  it('is there for the installed BullMQ, and for no other', () => {
    expect(gatheredJobsScript()).toContain('cmsgpack.pack(answers)');
    expect(gatheredJobsScript(false, 'local jobIdKey = KEYS[12]\n')).toBeUndefined();
  });
});
