import { Queue, Worker, type Job, type JobsOptions, type JobType, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { JobGatherer } from '../../src/platform/worker/job-gatherer';
import { eventually } from './eventually';
import { randomPrefix } from './queue-app';

export const NAME = 'work';
const lockDuration = 30_000;

type Handler = (job: Job) => Promise<unknown>;

/** A promise that a test keeps when it likes. */
export class Hold {
  release!: () => void;
  readonly promise = new Promise<void>((resolve) => (this.release = resolve));
}

/** A queue with one worker, whose ends are gathered or not. */
export class WorkerScene {
  readonly prefix = randomPrefix();
  readonly redis = new Redis(String(process.env['TEST_REDIS_URL']), { maxRetriesPerRequest: null });
  readonly queue = new Queue(NAME, { connection: this.redis, prefix: this.prefix });
  readonly workers: Worker[] = [];
  readonly errors: Error[] = [];

  constructor(readonly isGathered: boolean) {}

  work(
    handler: Handler,
    concurrency = 50,
    more: Partial<Pick<WorkerOptions, 'limiter'>> = {},
    surplus: { readonly kept?: number; readonly lettered?: string } = {},
  ): Worker {
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
      JobGatherer.install(worker.getBackend(), this.redis, { ...options, concurrency, ...surplus });
    }
    this.workers.push(worker);
    void worker.run();
    return worker;
  }

  /** A worker that takes nothing by itself. */
  stopped(): Worker {
    const worker = new Worker(NAME, () => Promise.resolve(), {
      connection: this.redis,
      prefix: this.prefix,
      autorun: false,
    });
    worker.on('error', (error) => this.errors.push(error));
    this.workers.push(worker);
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
