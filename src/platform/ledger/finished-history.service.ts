import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseUnavailableError } from '../database/database-unavailable.error';
import type { FinishedState } from '../queue/job-snapshot';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { RetentionSweeper } from '../retention/retention-sweeper.service';
import { cursorAt, LedgerCursors } from './ledger-cursors.service';
import { LedgerRecorder } from './ledger-recorder.service';
import { JobSets, type SetPosition } from '../queue/job-sets.service';
import { LedgerStore } from './ledger.store';
import { WrittenJobs } from './written-jobs';

const BATCH_SIZE = 1_000;
// Further than the clocks of two machines may differ: beyond 1 s a process is not ready.
const LATE_MS = 5_000;

/** Whether each job of the queue gets a row, from its first moment on. */
export function keepsAll({ definition }: RegisteredQueue): boolean {
  return definition.history !== 'failures';
}

export const finishedStates: readonly FinishedState[] = ['completed', 'failed'];

/** Takes finished jobs from Redis into the ledger, once each, and lets none of them go before. */
@Injectable()
export class FinishedHistory implements OnApplicationBootstrap {
  /** How long ago the jobs finished that were written last, in milliseconds; 0 once all of a set are written. */
  behindMs = 0;
  private readonly written = new WrittenJobs();

  constructor(
    private readonly sets: JobSets,
    private readonly store: LedgerStore,
    private readonly cursors: LedgerCursors,
    private readonly recorder: LedgerRecorder,
    private readonly sweeper: RetentionSweeper,
  ) {}

  onApplicationBootstrap(): void {
    this.sweeper.guard((entry, state, ids) => this.release(entry, state, ids));
  }

  /** Whether the set may hold what has not been written, when this is its newest member. */
  isBehind(entry: RegisteredQueue, state: FinishedState, newest: SetPosition | undefined): boolean {
    return this.cursors.isBehind(sourceOf(entry, state), newest);
  }

  /** Likewise for what {@link advanceLate} has not looked at. */
  isLateBehind(entry: RegisteredQueue, state: FinishedState, newest: SetPosition | undefined): boolean {
    return this.cursors.isBehind(lateSourceOf(entry, state), newest);
  }

  /**
   * Writes the next jobs of a set; true when there may be more. What a fast clock has finished in the future
   * waits for that time: past it, the cursor would miss everything else.
   */
  async advance(entry: RegisteredQueue, state: FinishedState, now = Date.now()): Promise<boolean> {
    const name = sourceOf(entry, state);
    const after = this.cursors.position(name);
    const page = await this.sets.page(entry, state, after, BATCH_SIZE, String(now));
    this.behindMs = page.length < BATCH_SIZE ? 0 : now - Number(page[0]?.score);
    if (page.length === 0) return false;
    await this.write(entry, name, page, await this.worthKeeping(entry, state, idsOf(page)));
    this.written.note(name, page);
    return page.length === BATCH_SIZE;
  }

  /**
   * Follows some seconds behind, and writes what has turned up behind the first cursor, because the clock
   * that said when it finished was slow. True when there may be more.
   */
  async advanceLate(entry: RegisteredQueue, state: FinishedState, now = Date.now()): Promise<boolean> {
    const name = lateSourceOf(entry, state);
    const after = this.cursors.position(name);
    const page = await this.sets.page(entry, state, after, BATCH_SIZE, String(now - LATE_MS));
    if (page.length === 0) return false;
    const others = idsOf(this.written.takeOthers(sourceOf(entry, state), page));
    const wanted = await this.worthKeeping(entry, state, others);
    const missing = await this.store.missing(await this.sets.keysOf(entry, wanted));
    await this.write(entry, name, page, [...missing]);
    return page.length === BATCH_SIZE;
  }

  /** When the oldest job finished that the ledger does not have yet, in epoch milliseconds. */
  async oldestUnwritten(entry: RegisteredQueue): Promise<number | undefined> {
    const firsts = await Promise.all(
      finishedStates.map(async (state) => {
        const [first] = await this.sets.page(entry, state, this.cursors.position(sourceOf(entry, state)), 1);
        return first === undefined ? Number.POSITIVE_INFINITY : Number(first.score);
      }),
    );
    const oldest = Math.min(...firsts);
    return Number.isFinite(oldest) ? oldest : undefined;
  }

  /** Those of the ids that may leave Redis; what the ledger lacks of them is written first. */
  async release(
    entry: RegisteredQueue,
    state: FinishedState,
    ids: readonly string[],
  ): Promise<ReadonlySet<string>> {
    if (!this.store.isReady) {
      throw new DatabaseUnavailableError('Finished jobs stay in Redis until the database has them.');
    }
    const keys = await this.sets.keysOf(entry, await this.worthKeeping(entry, state, ids));
    // A job that was sent back meanwhile is not finished any more.
    const revived = new Set(keys.filter(({ finishedAt }) => finishedAt === 0).map(({ id }) => id));
    const missing = await this.store.missing(keys.filter(({ id }) => !revived.has(id)));
    if (missing.size > 0) await this.recorder.record(entry, await this.sets.read(entry, [...missing]));
    return new Set(ids.filter((id) => !revived.has(id)));
  }

  /** Those of the finished jobs that get a row. */
  private async worthKeeping(
    entry: RegisteredQueue,
    state: FinishedState,
    ids: readonly string[],
  ): Promise<readonly string[]> {
    return state === 'failed' || keepsAll(entry) ? ids : this.sets.troubled(entry, ids);
  }

  private async write(
    entry: RegisteredQueue,
    name: string,
    page: readonly SetPosition[],
    ids: readonly string[],
  ): Promise<void> {
    const last = page.at(-1);
    if (last === undefined) return;
    const cursor = cursorAt(name, last);
    await this.recorder.record(entry, await this.sets.read(entry, ids), [cursor]);
    this.cursors.set(cursor);
  }
}

function sourceOf({ definition }: RegisteredQueue, state: FinishedState): string {
  return `${state}:${definition.name}`;
}

function lateSourceOf(entry: RegisteredQueue, state: FinishedState): string {
  return `late:${sourceOf(entry, state)}`;
}

function idsOf(page: readonly SetPosition[]): string[] {
  return page.map(({ id }) => id);
}
