import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, asc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database } from '../database/database.service';
import { Leader } from '../leader/leader.service';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { RetentionSweeper } from '../retention/retention-sweeper.service';
import { deadLetters } from './dead-letter.tables';
import { TRASH_MS } from './dead-letter.store';

const INTERVAL_MS = 5_000;
const BATCH_SIZE = 500;
const MAX_PURGED_PER_TURN = 5_000;
/** How long a dead letter is kept after its job has run again. */
const DECIDED_MS = 90 * 86_400_000;

/** Closes dead letters whose job was retried past Holdfast and has completed since, and forgets what is decided long ago. */
@Injectable()
export class DeadLetterKeeper implements OnApplicationBootstrap {
  private readonly logger = new Logger('DeadLetters');
  private lastSeen = '';

  constructor(
    private readonly database: Database,
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly leader: Leader,
    private readonly retention: RetentionSweeper,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('dead-letter-keeper', INTERVAL_MS, () => this.turn());
    // The last moment at which a completion can still be noticed.
    this.retention.guard((_entry, state, ids) =>
      state === 'completed' ? this.settled(ids) : Promise.resolve(new Set(ids)),
    );
  }

  async turn(now = Date.now()): Promise<void> {
    if (!this.database.isSchemaReady) return;
    try {
      await this.closeCompleted();
      await this.emptyTrash(now);
      await this.forgetDecided(now);
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }

  /** Closes what completed jobs had died of before, and answers with the jobs that no redrive is at work on. */
  private async settled(ids: readonly string[]): Promise<ReadonlySet<string>> {
    this.database.assertReady();
    await this.close(and(inArray(deadLetters.jobId, [...ids]), eq(deadLetters.status, 'dead'))!);
    const busy = await this.database.query
      .select({ jobId: deadLetters.jobId })
      .from(deadLetters)
      .where(and(inArray(deadLetters.jobId, [...ids]), eq(deadLetters.status, 'redriving')));
    const kept = new Set(busy.map(({ jobId }) => jobId));
    return new Set(ids.filter((id) => !kept.has(id)));
  }

  /** Looks at 500 dead letters a turn, going on where the last one ended. */
  private async closeCompleted(): Promise<void> {
    const letters = await this.database.query
      .select({ id: deadLetters.id, queue: deadLetters.queue, jobId: deadLetters.jobId })
      .from(deadLetters)
      .where(and(eq(deadLetters.status, 'dead'), gt(deadLetters.id, this.lastSeen)))
      .orderBy(asc(deadLetters.id))
      .limit(BATCH_SIZE);
    this.lastSeen = letters.length === BATCH_SIZE ? (letters.at(-1)?.id ?? '') : '';
    for (const entry of this.registry.all()) {
      const own = letters.filter(({ queue }) => queue === entry.definition.name);
      const completed = await this.inSet(
        entry,
        'completed',
        own.map(({ jobId }) => jobId),
      );
      const ids = own.filter(({ jobId }) => completed.has(jobId)).map(({ id }) => id);
      if (ids.length > 0)
        await this.close(and(inArray(deadLetters.id, ids), eq(deadLetters.status, 'dead'))!);
    }
  }

  private async close(condition: NonNullable<ReturnType<typeof and>>): Promise<void> {
    await this.database.query
      .update(deadLetters)
      .set({
        status: 'closed',
        isShownWanted: false,
        changedAt: sql`now()`,
        changeReason: 'The job ran again and completed.',
      })
      .where(condition);
  }

  /** A discarded one whose failed job is still in Redis stays: nobody shall notice the same death anew. */
  private async emptyTrash(now: number): Promise<void> {
    const old = await this.database.query
      .select({ id: deadLetters.id, queue: deadLetters.queue, jobId: deadLetters.jobId })
      .from(deadLetters)
      .where(and(eq(deadLetters.status, 'discarded'), lt(deadLetters.changedAt, new Date(now - TRASH_MS))))
      .orderBy(asc(deadLetters.changedAt))
      .limit(MAX_PURGED_PER_TURN);
    const kept = new Set<string>();
    for (const entry of this.registry.all()) {
      const own = old.filter(({ queue }) => queue === entry.definition.name).map(({ jobId }) => jobId);
      (await this.inSet(entry, 'failed', own)).forEach((id) => kept.add(id));
    }
    const gone = old.filter(({ jobId }) => !kept.has(jobId)).map(({ id }) => id);
    if (gone.length === 0) return;
    await this.database.query
      .delete(deadLetters)
      .where(and(inArray(deadLetters.id, gone), eq(deadLetters.status, 'discarded')));
    this.logger.log(`Removed ${gone.length} dead letters that were discarded more than a week ago.`);
  }

  private async forgetDecided(now: number): Promise<void> {
    const old = this.database.query
      .select({ id: deadLetters.id })
      .from(deadLetters)
      .where(
        and(
          inArray(deadLetters.status, ['redriven', 'closed']),
          eq(deadLetters.isShown, false),
          lt(deadLetters.changedAt, new Date(now - DECIDED_MS)),
        ),
      )
      .limit(MAX_PURGED_PER_TURN);
    await this.database.query.delete(deadLetters).where(inArray(deadLetters.id, old));
  }

  private async inSet(
    { queue, definition }: RegisteredQueue,
    set: 'completed' | 'failed',
    ids: readonly string[],
  ): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    this.connections.assertReady();
    const key = `${queue.opts.prefix}:${definition.name}:${set}`;
    const scores = await this.connections.producer.zmscore(key, ...ids);
    return new Set(ids.filter((_id, at) => typeof scores[at] === 'string'));
  }
}
