import {
  FlowProducer,
  Queue,
  Worker,
  type Job,
  type JobsOptions,
  type JobType,
  type WorkerOptions,
} from 'bullmq';
import { Redis } from 'ioredis';
import { FinishGatherer } from '../../../src/platform/worker/finish-gatherer';
import { gatheredFinishScript } from '../../../src/platform/worker/gathered-finish-script';
import { eventually } from '../../support/eventually';
import { randomPrefix } from '../../support/queue-app';

const NAME = 'work';
const lockDuration = 30_000;

type Handler = (job: Job) => Promise<unknown>;

/** A promise that a test keeps when it likes. */
class Hold {
  release!: () => void;
  readonly promise = new Promise<void>((resolve) => (this.release = resolve));
}

/** A queue with one worker, whose ends are gathered or not. */
class Scene {
  readonly prefix = randomPrefix();
  readonly redis = new Redis(String(process.env['TEST_REDIS_URL']), { maxRetriesPerRequest: null });
  readonly queue = new Queue(NAME, { connection: this.redis, prefix: this.prefix });
  readonly workers: Worker[] = [];
  readonly errors: Error[] = [];

  constructor(readonly isGathered: boolean) {}

  work(handler: Handler, concurrency = 50, more: Partial<Pick<WorkerOptions, 'limiter'>> = {}): Worker {
    const options = { lockDuration, name: 'tester', ...more };
    const worker = new Worker(NAME, handler, {
      connection: this.redis,
      prefix: this.prefix,
      concurrency,
      autorun: false,
      ...options,
    });
    worker.on('error', (error) => this.errors.push(error));
    if (this.isGathered) {
      FinishGatherer.install(worker.getBackend(), this.redis, options);
    }
    this.workers.push(worker);
    void worker.run();
    return worker;
  }

  add(count: number, options: JobsOptions | ((at: number) => JobsOptions) = {}): Promise<unknown> {
    return this.queue.addBulk(
      Array.from({ length: count }, (_, at) => ({
        name: 'job',
        data: { at },
        opts: { jobId: `j${at}`, ...(typeof options === 'function' ? options(at) : options) },
      })),
    );
  }

  async until(counts: Partial<Record<JobType, number>>): Promise<void> {
    await eventually(
      async () =>
        expect(await this.queue.getJobCounts(...(Object.keys(counts) as JobType[]))).toEqual(counts),
      20_000,
    );
  }

  /** All that is left in Redis, without what differs from run to run. */
  async census(): Promise<Record<string, unknown>> {
    await Promise.all(this.workers.map((worker) => worker.close()));
    const base = `${this.prefix}:${NAME}:`;
    const found: Record<string, unknown> = {};
    for (const key of (await this.redis.keys(`${this.prefix}:*`)).toSorted((a, b) => a.localeCompare(b))) {
      const name = key.replace(base, '');
      // A worker that waits takes the marker away as soon as it sees it, and may stop before it does.
      if (name === 'marker') continue;
      // A child's key carries its prefix.
      found[name] = JSON.parse(JSON.stringify(await this.read(key, name)).replaceAll(this.prefix, 'prefix'));
    }
    return found;
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
    await this.queue.close();
    const keys = await this.redis.keys(`${this.prefix}:*`);
    if (keys.length > 0) await this.redis.del(keys);
    this.redis.disconnect();
  }

  /** Times differ from run to run; other scores are part of what has to be equal. */
  private async scored(key: string, name: string): Promise<unknown> {
    const flat = await this.redis.zrange(key, '0', '-1', 'WITHSCORES');
    const isTimed = /^(completed|failed|delayed)$/.test(name);
    return Array.from({ length: flat.length / 2 }, (_, at) => [
      flat[2 * at],
      isTimed ? 'some time' : flat[2 * at + 1],
    ]).toSorted(([a = ''], [b = '']) => a.localeCompare(b));
  }

  private async read(key: string, name: string): Promise<unknown> {
    switch (await this.redis.type(key)) {
      case 'hash':
        return withoutTimes(await this.redis.hgetall(key));
      case 'zset':
        return this.scored(key, name);
      case 'list':
        return (await this.redis.lrange(key, 0, -1)).toSorted((a, b) => a.localeCompare(b));
      case 'set':
        return (await this.redis.smembers(key)).toSorted((a, b) => a.localeCompare(b));
      case 'stream':
        return eventsByJob(await this.redis.xrange(key, '-', '+'));
      default:
        return /:lock$|^stalled-check$/.test(name) ? 'of this run' : await this.redis.get(key);
    }
  }
}

function withoutTimes(fields: Record<string, string>): Record<string, string> {
  const times = new Set(['timestamp', 'processedOn', 'finishedOn', 'stacktrace']);
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, times.has(name) ? 'some time' : value]),
  );
}

/** What happened to each job, in order; when a queue ran empty is told apart from that. */
function eventsByJob(entries: readonly [string, string[]][]): Record<string, string[]> {
  const events: Record<string, string[]> = {};
  for (const [, fields] of entries) {
    const event = Object.fromEntries(
      Array.from({ length: fields.length / 2 }, (_, at) => [fields[2 * at], fields[2 * at + 1]]),
    ) as Record<string, string>;
    if (event['event'] === 'drained') continue;
    const { jobId = '', delay: _delay, ...rest } = event;
    (events[jobId] ??= []).push(JSON.stringify(rest));
  }
  return events;
}

describe('a worker whose ends are gathered', () => {
  const scenes: Scene[] = [];
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close();
  });

  const open = (isGathered = true) => {
    const scene = new Scene(isGathered);
    scenes.push(scene);
    return scene;
  };

  const scenarios: Record<string, (scene: Scene) => Promise<void>> = {
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
    const stock = new Scene(false);
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
    expect(gatheredFinishScript()).toContain('cmsgpack.pack(answers)');
    expect(gatheredFinishScript(false, 'local jobIdKey = KEYS[12]\n')).toBeUndefined();
  });
});
