import { Injectable } from '@nestjs/common';
import { DeadLetterStore } from '../../platform/dead-letter/dead-letter.store';
import { LedgerWriter } from '../../platform/ledger/ledger-writer.service';
import { OTHER } from '../../platform/metrics/job-metrics.service';
import { QueueCounter, type QueueCounts } from '../../platform/queue/queue-counts.service';
import { QueueRegistry, type RegisteredQueue } from '../../platform/queue/queue-registry.service';
import { WorkerCensus } from '../../platform/queue/worker-census.service';
import { refusalOf } from '../../platform/redis/redis-unavailable.error';
import { RedisVitalsReader, type NodeVitals } from '../../platform/redis/redis-vitals.service';
import { SharedReading } from './shared-reading';

// What every scraper together costs Redis: a script per queue and two commands in this time.
const terms = { minAgeMs: 5_000, deadlineMs: 800 };
// Counting a million dead letters takes PostgreSQL a tenth of a second.
const databaseTerms = { minAgeMs: 15_000, deadlineMs: 800 };

export interface RedisReading {
  readonly queues: readonly { readonly name: string; readonly counts: QueueCounts }[];
  /** Missing where this Redis user may not list clients. */
  readonly workers?: ReadonlyMap<string, number>;
  /** Missing where this Redis user may not ask. */
  readonly nodes?: readonly NodeVitals[];
}

/** What could be read; what is missing was not to be had. */
export interface Sample {
  readonly redis?: RedisReading | undefined;
  readonly deadLetters?: ReadonlyMap<string, number> | undefined;
  readonly ledgerLagMs?: number | undefined;
}

/** Reads what gauges show, once for all scrapers, and within a second whatever is away. */
@Injectable()
export class GaugeSampler {
  private readonly redis = new SharedReading(() => this.readRedis(), terms);
  private readonly deadLetters = new SharedReading(() => this.readDeadLetters(), databaseTerms);
  private readonly lag = new SharedReading(() => this.ledger.lagMs(), terms);

  constructor(
    private readonly registry: QueueRegistry,
    private readonly counter: QueueCounter,
    private readonly census: WorkerCensus,
    private readonly vitals: RedisVitalsReader,
    private readonly letters: DeadLetterStore,
    private readonly ledger: LedgerWriter,
  ) {}

  /** A sample that is at most as old as its parts may be. Never rejects. */
  async sample(): Promise<Sample> {
    const [redis, deadLetters, ledgerLagMs] = await Promise.all([
      this.redis.read(),
      this.deadLetters.read(),
      this.lag.read(),
    ]);
    return { redis, deadLetters, ledgerLagMs };
  }

  private async readRedis(): Promise<RedisReading> {
    const entries = this.registry.all();
    const [queues, workers, vitals] = await Promise.all([
      Promise.all(entries.map((entry) => this.countsOf(entry))),
      this.census.count(entries),
      unlessRefused(this.vitals.read()),
    ]);
    return {
      queues: queues.flatMap((one) => one ?? []),
      ...(workers !== undefined && { workers }),
      ...(vitals !== undefined && { nodes: vitals.nodes }),
    };
  }

  /** Queues that are no more may have left some. */
  private async readDeadLetters(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map(this.registry.all().map(({ definition }) => [definition.name, 0]));
    for (const [name, count] of await this.letters.deadByQueue()) {
      const queue = counts.has(name) ? name : OTHER;
      counts.set(queue, (counts.get(queue) ?? 0) + count);
    }
    return counts;
  }

  /** One queue whose keys are spoiled must not hide the others. */
  private async countsOf(entry: RegisteredQueue) {
    const counts = await unlessRefused(this.counter.count(entry));
    return counts === undefined ? undefined : { name: entry.definition.name, counts };
  }
}

async function unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (['WRONGTYPE', 'NOPERM'].includes(refusalOf(error) ?? '')) return undefined;
    throw error;
  }
}
