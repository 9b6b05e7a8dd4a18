import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Settings } from '../../config/settings';
import { logContext } from '../logging/correlation';
import { guardAdds, type GatedJob } from '../queue/add-gate';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { RedisVitalsReader } from '../redis/redis-vitals.service';
import { QueueFullError, StorageUnsafeError } from './admission-refusal.error';
import { MemoryGauge, type Fullness } from './memory-gauge';
import { QueueUsageMeter } from './queue-usage.service';

const SAMPLE_MS = 1_000;
const QUEUE_SAMPLE_EVERY = 3;
const ERROR_LOG_INTERVAL_MS = 10_000;
// A tenth stays free, so that workers can always finish and drain: a full Redis lets nobody take a job.
const wholeShares = { trim: 0.7, refuseLow: 0.8, refuseAll: 0.9 };
const queueShares = { trim: 0.7, refuseLow: 0.9, refuseAll: 1 };
// A handler that cannot add its next job fails, and its job stays: it may use half of what is kept free.
const SHARE_FOR_HANDLERS = 0.95;
// No queue may fill Redis alone unless it declares so.
const DEFAULT_QUEUE_SHARE = 0.6;
// A job's hash, its place in a set and its options, beside its payload.
const JOB_OVERHEAD_BYTES = 600;
// Redis' allocator has four sizes to each doubling: a text may take a quarter more than it has bytes.
const ALLOCATOR_SLACK = 1.25;

/**
 * Watches how much of Redis is used, as a whole and per queue, and keeps jobs out before it is full:
 * first those of low priority, then all. It looks once a second; an add costs no command.
 */
@Injectable()
export class MemoryWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Memory');
  private readonly whole = new MemoryGauge(wholeShares);
  private readonly queues = new Map<string, MemoryGauge>();
  private readonly jobs = new Map<string, number>();
  private unsafe?: string;
  private timer?: NodeJS.Timeout;
  private inFlight?: Promise<void>;
  private looks = 0;
  private lastErrorLoggedAt = 0;
  private loggedFullness: Fullness = 'ok';

  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly vitals: RedisVitalsReader,
    private readonly meter: QueueUsageMeter,
    private readonly settings: Settings,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    for (const entry of this.registry.all()) {
      this.queues.set(entry.definition.name, new MemoryGauge(queueShares));
      guardAdds(entry.queue, (requests) => this.admit(requests));
    }
    await this.look();
    this.timer = setInterval(() => {
      this.inFlight ??= this.look().finally(() => (this.inFlight = undefined));
    }, SAMPLE_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.inFlight;
  }

  /** How full Redis is as a whole; with a queue, the worse of the two. */
  fullness(entry?: RegisteredQueue): Fullness {
    const order: Fullness[] = ['ok', 'trim', 'refuse low', 'refuse all'];
    const own = entry === undefined ? 'ok' : this.queues.get(entry.definition.name)?.fullness();
    const worst = Math.max(order.indexOf(this.whole.fullness()), order.indexOf(own ?? 'ok'));
    return order[worst]!;
  }

  /** The jobs each queue held at the last look, by its name. */
  jobsSeen(): ReadonlyMap<string, number> {
    return this.jobs;
  }

  /** Looks at Redis now; a look that fails leaves the last one standing. */
  async look(): Promise<void> {
    if (!this.connections.isReady()) return;
    try {
      await this.lookAtWhole();
      if (this.looks++ % QUEUE_SAMPLE_EVERY === 0) {
        for (const entry of this.registry.all()) await this.lookAtQueue(entry);
      }
    } catch (error) {
      const now = Date.now();
      if (now - this.lastErrorLoggedAt < ERROR_LOG_INTERVAL_MS) return;
      this.lastErrorLoggedAt = now;
      this.logger.warn(`The memory of Redis could not be measured: ${String(error).slice(0, 300)}`);
    }
  }

  private async lookAtWhole(): Promise<void> {
    const { nodes } = await this.vitals.read();
    const evicting = nodes.find(({ evictionPolicy }) => evictionPolicy !== 'noeviction');
    this.unsafe =
      evicting === undefined
        ? undefined
        : `Nothing was stored: maxmemory-policy is ${evicting.evictionPolicy}, which loses jobs when memory is full. Set it to noeviction.`;
    const limits = nodes.map(({ usedBytes, maxBytes }) => ({
      usedBytes,
      limitBytes: this.limitOf(maxBytes),
    }));
    const fullest = limits.reduce((one, other) => (shareOf(other) > shareOf(one) ? other : one), limits[0]!);
    this.whole.limitBytes = fullest.limitBytes;
    this.whole.set(fullest.usedBytes);
    this.logChange();
  }

  private async lookAtQueue(entry: RegisteredQueue): Promise<void> {
    const { name, budgetBytes } = entry.definition;
    const gauge = this.queues.get(name);
    if (gauge === undefined) return;
    const { bytes, jobs } = await this.meter.measure(entry);
    gauge.limitBytes = budgetBytes ?? this.whole.limitBytes * DEFAULT_QUEUE_SHARE;
    gauge.set(bytes);
    this.jobs.set(name, jobs);
  }

  private limitOf(maxBytes: number): number {
    const { REDIS_MEMORY_BYTES: own } = this.settings;
    if (own === undefined) return maxBytes;
    return maxBytes === 0 ? own : Math.min(own, maxBytes);
  }

  private admit(requests: readonly GatedJob[]): void {
    if (this.unsafe !== undefined) throw new StorageUnsafeError(this.unsafe);
    const isHandler = logContext()?.jobId !== undefined;
    for (const { definition, priority } of requests) {
      const gauge = this.queues.get(definition.name);
      this.refuse(this.whole, 'Redis', priority === 'low', isHandler);
      if (gauge !== undefined) {
        this.refuse(gauge, `The budget of queue "${definition.name}"`, priority === 'low', isHandler);
      }
    }
    for (const { definition, bytes } of requests) {
      const taken = bytes * ALLOCATOR_SLACK + JOB_OVERHEAD_BYTES;
      this.whole.add(taken);
      this.queues.get(definition.name)?.add(taken);
    }
  }

  private refuse(gauge: MemoryGauge, what: string, isLow: boolean, isHandler: boolean): void {
    const fullness = gauge.fullness();
    if (fullness === 'ok' || fullness === 'trim' || (fullness === 'refuse low' && !isLow)) return;
    if (isHandler && gauge.share() < SHARE_FOR_HANDLERS) return;
    const share = `${what} is ${Math.floor(gauge.share() * 100)} % full`;
    const detail =
      fullness === 'refuse low'
        ? `Nothing was stored: ${share}, and jobs of low priority are refused first.`
        : `Nothing was stored: ${share}. Let the workers catch up, or give it more memory.`;
    throw new QueueFullError(detail, gauge.retryAfterSeconds());
  }

  private logChange(): void {
    const fullness = this.whole.fullness();
    if (fullness === this.loggedFullness) return;
    this.loggedFullness = fullness;
    const share = Math.floor(this.whole.share() * 100);
    const line = { msg: `Redis is ${share} % full: ${meanings[fullness]}`, usedShare: share / 100 };
    if (fullness === 'ok') this.logger.log(line);
    else this.logger.warn(line);
  }
}

const meanings: Record<Fullness, string> = {
  ok: 'all jobs are accepted.',
  trim: 'completed jobs are removed early.',
  'refuse low': 'jobs of low priority are refused.',
  'refuse all': 'all jobs are refused until workers have made room.',
};

function shareOf({ usedBytes, limitBytes }: { usedBytes: number; limitBytes: number }): number {
  return limitBytes === 0 ? 0 : usedBytes / limitBytes;
}
