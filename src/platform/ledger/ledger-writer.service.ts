import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Leader } from '../leader/leader.service';
import { eachForItself } from '../queue/each-for-itself';
import { QueueEnds, type EndsOfQueue } from '../queue/queue-ends.service';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { isAway, isSpoiled } from '../redis/redis-unavailable.error';
import { BusyLoop } from './busy-loop';
import { FinishedHistory, finishedStates, keepsAll } from './finished-history.service';
import { LedgerCursors } from './ledger-cursors.service';
import { LedgerRemovals } from './ledger-removals.service';
import { LiveJobs } from './live-jobs.service';
import { LiveScan } from './live-scan.service';
import { LedgerStore } from './ledger.store';

const INTERVAL_MS = 200;
// Within the lease of five seconds, so that no other process begins meanwhile.
const MAX_TURN_MS = 3_000;
// What finishes next is not to wait for what has time.
const MAX_SPARE_MS = 300;
const LATE_INTERVAL_MS = 1_000;
const SETTLE_INTERVAL_MS = 5_000;
const AWAY_PAUSE_MS = 1_000;
const ERROR_LOG_INTERVAL_MS = 10_000;

/** Keeps the ledger up with Redis, in one process at a time, and behind the jobs themselves. */
@Injectable()
export class LedgerWriter implements OnApplicationBootstrap {
  private readonly logger = new Logger('Ledger');
  private readonly loop = new BusyLoop();
  // Not at once, because a process begins busy and knows little of jobs that wait.
  private nextLateAt = Date.now();
  private nextSettleAt = 0;
  private pausedUntil = 0;
  private lastErrorLoggedAt = 0;

  constructor(
    private readonly leader: Leader,
    private readonly registry: QueueRegistry,
    private readonly store: LedgerStore,
    private readonly cursors: LedgerCursors,
    private readonly ends: QueueEnds,
    private readonly finished: FinishedHistory,
    private readonly live: LiveJobs,
    private readonly scan: LiveScan,
    private readonly removals: LedgerRemovals,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('ledger', INTERVAL_MS, () => this.turn());
  }

  /** How long the oldest finished job has been waiting to be written, in milliseconds; 0 when none does. */
  async lagMs(now = Date.now()): Promise<number> {
    // Without the database the last known places will do.
    if (this.store.isReady) await this.cursors.refresh().catch(() => undefined);
    const oldest = await Promise.all(
      this.registry.all().map((entry) => this.finished.oldestUnwritten(entry)),
    );
    return Math.max(0, ...oldest.map((time) => (time === undefined ? 0 : now - time)));
  }

  /** One pass over all queues; an absence of a store is logged now and then, and sat out. */
  async turn(): Promise<void> {
    if (!this.store.isReady || Date.now() < this.pausedUntil) return;
    try {
      await this.work();
    } catch (error) {
      // One queue's key holds something else: what can be done is done, and the leader says what is wrong.
      if (isSpoiled(error)) throw error;
      const missing = isDatabaseAway(error) ? 'database' : 'Redis';
      if (missing === 'Redis' && !isAway(error)) throw error;
      const now = Date.now();
      this.pausedUntil = now + AWAY_PAUSE_MS;
      if (now - this.lastErrorLoggedAt < ERROR_LOG_INTERVAL_MS) return;
      this.lastErrorLoggedAt = now;
      this.logger.warn(
        `${missing === 'Redis' ? 'Redis' : 'The database'} is away: the history catches up when it is back.`,
      );
    }
  }

  private async work(): Promise<void> {
    const deadline = Date.now() + MAX_TURN_MS;
    await this.cursors.refresh();
    await this.repeat(deadline, () => this.removals.advance());
    const news = await this.ends.of(this.registry.all());
    await eachForItself([() => this.follow(news, deadline), () => this.catchUp(news)], (step) => step());
  }

  private follow(news: ReadonlyMap<RegisteredQueue, EndsOfQueue>, deadline: number): Promise<void> {
    return eachForItself(news, async ([entry, ends]) => {
      for (const state of finishedStates) {
        if (!this.finished.isBehind(entry, state, ends[state])) continue;
        await this.repeat(deadline, () => this.finished.advance(entry, state));
      }
      if (keepsAll(entry) && this.live.isBehind(entry, ends.event)) await this.live.follow(entry);
    });
  }

  /** What can wait while there are jobs to do. */
  private async catchUp(news: ReadonlyMap<RegisteredQueue, EndsOfQueue>): Promise<void> {
    if (this.loop.isBusy && Date.now() < this.nextLateAt + 10 * LATE_INTERVAL_MS) return;
    const spare = Date.now() + MAX_SPARE_MS;
    const scan = () =>
      eachForItself(this.registry.all(), (entry) => this.repeat(spare, () => this.scan.advance(entry)));
    await eachForItself([scan, () => this.late(news, spare)], (step) => step());
    if (Date.now() < this.nextSettleAt) return;
    this.nextSettleAt = Date.now() + SETTLE_INTERVAL_MS;
    await this.live.settle();
  }

  private async late(news: ReadonlyMap<RegisteredQueue, EndsOfQueue>, deadline: number): Promise<void> {
    if (Date.now() < this.nextLateAt) return;
    this.nextLateAt = Date.now() + LATE_INTERVAL_MS;
    await eachForItself(news, async ([entry, ends]) => {
      for (const state of finishedStates) {
        if (!this.finished.isLateBehind(entry, state, ends[state])) continue;
        await this.repeat(deadline, () => this.finished.advanceLate(entry, state));
      }
    });
  }

  /** Steps while there is more to do, giving way to jobs in between; the next turn goes on after the deadline. */
  private async repeat(deadline: number, step: () => Promise<boolean>): Promise<void> {
    for (;;) {
      const startedAt = performance.now();
      const isMore = await step();
      if (!isMore || Date.now() > deadline) return;
      await this.loop.giveWay(performance.now() - startedAt, this.finished.behindMs);
    }
  }
}
