import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database, type Transaction } from '../database/database.service';
import { Leader } from '../leader/leader.service';
import { FIRST_POSITION, JobSets, type FinishedJob, type SetPosition } from '../queue/job-sets.service';
import { eachForItself } from '../queue/each-for-itself';
import { JobRemovals } from '../queue/job-removals.service';
import { QueueEnds } from '../queue/queue-ends.service';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { RetentionSweeper } from '../retention/retention-sweeper.service';
import { WorkerRunner } from '../worker/worker-runner.service';
import { DeadLetterWriter } from './dead-letter-writer.service';
import { deadLetterCursors, deadLetters } from './dead-letter.tables';

const INTERVAL_MS = 2_000;
const WAKE_DELAY_MS = 100;
const BATCH_SIZE = 200;
const MAX_BATCHES_PER_TURN = 50;
// Machines whose clocks differ by more are not ready; what is later still is parked before retention removes it.
const CLOCK_DIFFERENCE_MS = 5_000;
const IDS_PER_LOOKUP = 500;
const MAX_PAGES_LOOKED_BACK = 20;

type CursorRow = typeof deadLetterCursors.$inferSelect;

interface QueueWithDead {
  readonly entry: RegisteredQueue;
  readonly newest: SetPosition;
  readonly row: CursorRow | undefined;
}

/**
 * Makes a dead letter of every job that ends up in a failed set: that set is the truth, a worker's event only
 * makes it quick. The cursor moves in the transaction of the rows, and a death has one id, so that none is missed
 * and none is there twice, whoever crashes when.
 */
@Injectable()
export class DeadLetterParker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private inFlight?: Promise<void>;
  private alarm?: NodeJS.Timeout;
  private stopping = false;

  constructor(
    private readonly database: Database,
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly ends: QueueEnds,
    private readonly sets: JobSets,
    private readonly leader: Leader,
    private readonly workers: WorkerRunner,
    private readonly retention: RetentionSweeper,
    private readonly removals: JobRemovals,
    private readonly writer: DeadLetterWriter,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('dead-letters', INTERVAL_MS, () => this.turn());
    this.workers.onFailure((_job, _error, isFinal) => isFinal && this.wake());
    this.retention.guard((entry, state, ids) =>
      state === 'failed' ? this.parked(entry, ids) : Promise.resolve(new Set(ids)),
    );
    this.removals.beforeRemoval(async ({ id, state }) => {
      const entry = this.registry.ofJob(id);
      if (state === 'failed' && entry !== undefined) await this.parked(entry, [id]);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.alarm);
    await this.inFlight;
  }

  /** Parks what has died, in all queues; the periodic work of one process. */
  async turn(): Promise<void> {
    if (!this.database.isSchemaReady) return;
    try {
      await eachForItself(await this.withDead(), async ({ entry, newest, row }) => {
        if (row !== undefined) await this.lookBack(entry, row);
        if (isBehind(row, newest)) await this.advance(entry);
      });
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }

  /** Parks these jobs of a queue now, and answers with those that may leave its failed set. */
  async parked(entry: RegisteredQueue, ids: readonly string[]): Promise<ReadonlySet<string>> {
    this.database.assertReady();
    await this.writer.writeMissing(entry, await this.sets.finishedAmong(entry, 'failed', ids));
    const busy = await this.database.query
      .select({ jobId: deadLetters.jobId })
      .from(deadLetters)
      .where(and(inArray(deadLetters.jobId, [...ids]), eq(deadLetters.status, 'redriving')));
    const kept = new Set(busy.map(({ jobId }) => jobId));
    return new Set(ids.filter((id) => !kept.has(id)));
  }

  /** Many that die together are parked together. */
  private wake(): void {
    if (this.stopping) return;
    this.alarm ??= setTimeout(() => void this.parkSoon(), WAKE_DELAY_MS);
  }

  private async parkSoon(): Promise<void> {
    // A pass that is under way may have read the set before this death.
    await this.inFlight;
    this.alarm = undefined;
    if (!this.stopping) this.inFlight = this.parkNow();
  }

  private async parkNow(): Promise<void> {
    if (!this.database.isSchemaReady || !this.connections.isReady()) return;
    try {
      await eachForItself(await this.withDead(), async ({ entry, newest, row }) => {
        if (isBehind(row, newest)) await this.advance(entry);
      });
    } catch {
      // The turn of the leader says what is wrong, and does the work.
    }
  }

  /** The queues that have failed jobs, with the newest of those and how far they were read: two questions for all. */
  private async withDead(): Promise<QueueWithDead[]> {
    const ends = await this.ends.of(this.registry.all());
    const rows = await this.database.query.select().from(deadLetterCursors);
    const rowOf = new Map(rows.map((row) => [row.queue, row]));
    return [...ends].flatMap(([entry, { failed }]) =>
      failed === undefined ? [] : [{ entry, newest: failed, row: rowOf.get(entry.definition.name) }],
    );
  }

  private async advance(entry: RegisteredQueue): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES_PER_TURN; batch += 1) {
      const cursor = await this.cursor(entry);
      const jobs = await this.sets.finishedAfter(entry, 'failed', cursor, BATCH_SIZE);
      const last = jobs.at(-1);
      if (last === undefined) return;
      await this.database.transaction(async (transaction) => {
        await this.writer.write(transaction, entry, jobs);
        await moveCursor(transaction, entry.definition.name, last);
      });
      if (jobs.length < BATCH_SIZE) return;
    }
  }

  /** A job that was finished by a slower clock, or whose end took its time to arrive, stands behind the cursor. */
  private async lookBack(entry: RegisteredQueue, row: CursorRow): Promise<void> {
    const { name } = entry.definition;
    const key = `${entry.queue.opts.prefix}:${name}:failed`;
    const from = row.lookedBackTo - CLOCK_DIFFERENCE_MS;
    for (let page = 0; page < MAX_PAGES_LOOKED_BACK; page += 1) {
      const ids = await this.connections.producer.zrangebyscore(
        key,
        from,
        row.finishedAt,
        'LIMIT',
        page * IDS_PER_LOOKUP,
        IDS_PER_LOOKUP,
      );
      const jobs = await this.sets.finishedAmong(entry, 'failed', ids);
      await this.writer.writeMissing(entry, jobs);
      const isLast = ids.length < IDS_PER_LOOKUP;
      const reached = isLast ? row.finishedAt : (jobs.at(-1)?.finishedAt ?? row.lookedBackTo);
      await this.database.query
        .update(deadLetterCursors)
        .set({ lookedBackTo: reached })
        .where(eq(deadLetterCursors.queue, name));
      if (isLast) return;
    }
  }

  private async cursor({ definition: { name } }: RegisteredQueue): Promise<SetPosition> {
    const [row] = await this.database.query
      .select()
      .from(deadLetterCursors)
      .where(eq(deadLetterCursors.queue, name));
    return row === undefined ? FIRST_POSITION : { score: String(row.finishedAt), id: row.jobId };
  }
}

function isBehind(row: CursorRow | undefined, newest: SetPosition): boolean {
  if (row === undefined) return true;
  const score = Number(newest.score);
  return score > row.finishedAt || (score === row.finishedAt && newest.id !== row.jobId);
}

async function moveCursor(
  transaction: Transaction,
  queue: string,
  { finishedAt, id }: FinishedJob,
): Promise<void> {
  const { finishedAt: storedAt, jobId: storedId } = deadLetterCursors;
  await transaction
    .insert(deadLetterCursors)
    .values({ queue, finishedAt, jobId: id })
    .onConflictDoUpdate({
      target: deadLetterCursors.queue,
      set: { finishedAt, jobId: id },
      // Two processes may read at the same time, and the slower one does not turn the cursor back. Redis sorts bytes.
      setWhere: sql`(${storedAt}, ${storedId} COLLATE "C") < (${finishedAt}::bigint, ${id}::text COLLATE "C")`,
    });
}
