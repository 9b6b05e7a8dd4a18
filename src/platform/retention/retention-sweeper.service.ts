import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { Leader } from '../leader/leader.service';
import { retentionOf, type RetentionPolicy } from '../queue/define-queue';
import { eachForItself } from '../queue/each-for-itself';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { FIRST_POSITION, JobSets } from '../queue/job-sets.service';
import type { FinishedState } from '../queue/job-snapshot';
import { RedisConnections } from '../redis/redis-connections.service';
import { FinishedRemoval } from './finished-removal.service';

/**
 * Somebody who must have taken note of a job before it goes. Answers with those of the ids that may go;
 * an error keeps all of them. Called with at most 500 ids of one queue.
 */
export type RetentionGuard = (
  entry: RegisteredQueue,
  state: FinishedState,
  ids: readonly string[],
) => Promise<ReadonlySet<string>>;

const SWEEP_INTERVAL_MS = 10_000;
const BATCH_SIZE = 500;
const MAX_BATCHES_PER_SWEEP = 100;
// What was not yet taken note of will be in a moment: no reason to ask for more of it now.
const MAX_KEPT = 2_000;

/** Which finished jobs go before their time. */
export interface TrimWish {
  readonly state: FinishedState;
  readonly count: number;
  /** Epoch milliseconds. */
  readonly finishedBefore?: number;
}

/**
 * Removes finished jobs by age and by count, per queue.
 * BullMQ never does it for us: its options trim the whole set whenever one job of one caller finishes,
 * and its `clean` fails when Redis is full, where `remove` still works.
 */
@Injectable()
export class RetentionSweeper implements OnApplicationBootstrap {
  private readonly logger = new Logger('Retention');
  private readonly guards: RetentionGuard[] = [];

  constructor(
    private readonly leader: Leader,
    private readonly registry: QueueRegistry,
    private readonly connections: RedisConnections,
    private readonly removal: FinishedRemoval,
    private readonly sets: JobSets,
    private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('retention', SWEEP_INTERVAL_MS, () => this.sweep());
  }

  /** From now on no finished job is removed that the guard has not let go. */
  guard(guard: RetentionGuard): void {
    this.guards.push(guard);
  }

  /** One pass over all queues; at most 50,000 jobs of each state and queue. */
  async sweep(now = Date.now()): Promise<void> {
    await eachForItself(this.registry.all(), async (entry) => {
      const retention = retentionOf(entry.definition, this.settings);
      await this.sweepState(entry, 'completed', retention.completed, now);
      await this.sweepState(entry, 'failed', retention.failed, now);
    });
  }

  /**
   * Removes the oldest finished jobs before their time, at most `count`, as far as the guards let them go;
   * those that they keep back are counted in `kept`.
   */
  async trim(entry: RegisteredQueue, wish: TrimWish): Promise<{ removed: number; kept: number }> {
    const { state, count, finishedBefore } = wish;
    const until = finishedBefore === undefined ? '+inf' : `(${finishedBefore}`;
    let after = FIRST_POSITION;
    let removed = 0;
    let kept = 0;
    while (removed < count) {
      const page = await this.sets.page(entry, state, after, Math.min(BATCH_SIZE, count - removed), until);
      const gone = await this.release(
        entry,
        state,
        page.map(({ id }) => id),
      );
      removed += gone.size;
      kept += page.length - gone.size;
      after = page.at(-1) ?? after;
      if (page.length === 0 || kept >= MAX_KEPT) break;
    }
    return { removed, kept };
  }

  /** Removes those of the finished jobs that the guards let go, and answers with their ids; at most 500 at a time. */
  async release(
    entry: RegisteredQueue,
    state: FinishedState,
    ids: readonly string[],
    now = Date.now(),
  ): Promise<ReadonlySet<string>> {
    const free = await this.released(entry, state, ids);
    await this.removal.remove(entry, state, free, now);
    return new Set(free);
  }

  private async sweepState(
    entry: RegisteredQueue,
    state: FinishedState,
    policy: RetentionPolicy,
    now: number,
  ): Promise<void> {
    const { definition, queue } = entry;
    const key = `${queue.opts.prefix}:${definition.name}:${state}`;
    let removed = 0;
    for (let batch = 0; batch < MAX_BATCHES_PER_SWEEP; batch += 1) {
      const ids = await this.expired(key, policy, now);
      if (ids.length === 0) break;
      const gone = await this.release(entry, state, ids, now);
      removed += gone.size;
      // What is kept back would be found again at once; the next sweep asks anew.
      if (gone.size < ids.length) break;
    }
    if (removed > 0) this.logger.log({ msg: `Removed ${removed} ${state} jobs`, queue: definition.name });
  }

  private async released(
    entry: RegisteredQueue,
    state: FinishedState,
    ids: readonly string[],
  ): Promise<readonly string[]> {
    let free = ids;
    for (const guard of this.guards) {
      if (free.length === 0) break;
      const released = await guard(entry, state, free);
      free = free.filter((id) => released.has(id));
    }
    return free;
  }

  /** The oldest jobs beyond the count or the age; the sets are sorted by the time of finishing. */
  private async expired(key: string, policy: RetentionPolicy, now: number): Promise<string[]> {
    const redis = this.connections.producer;
    const excess = (await redis.zcard(key)) - policy.count;
    const byCount = excess > 0 ? await redis.zrange(key, '0', String(Math.min(excess, BATCH_SIZE) - 1)) : [];
    if (byCount.length >= BATCH_SIZE) return byCount;
    const byAge = await redis.zrangebyscore(key, '-inf', String(now - policy.ageMs), 'LIMIT', 0, BATCH_SIZE);
    return [...new Set([...byCount, ...byAge])];
  }
}
