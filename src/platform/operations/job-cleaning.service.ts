import { Injectable } from '@nestjs/common';
import { FIRST_POSITION, JobSets, type SetPosition } from '../queue/job-sets.service';
import type { FinishedState } from '../queue/job-snapshot';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { RetentionSweeper } from '../retention/retention-sweeper.service';
import type { ItemResult, Operation, OperationItem } from './operation.store';

/** Which finished jobs are to go. */
export interface CleaningWish {
  readonly entries: readonly RegisteredQueue[];
  readonly state: FinishedState;
  /** Epoch milliseconds; younger ones stay. */
  readonly finishedBefore: number;
}

const PAGE_SIZE = 1_000;
// A record that cannot be read is never taken note of; an operation must come to an end.
const MAX_WAIT_MS = 600_000;
const waitingLists = ['wait', 'paused'] as const;
const waitingSets = ['prioritized', 'delayed'] as const;

/** Finished jobs that go before their time, as retention would let them go, and queues that are emptied. */
@Injectable()
export class JobCleaning {
  constructor(
    private readonly registry: QueueRegistry,
    private readonly sets: JobSets,
    private readonly sweeper: RetentionSweeper,
    private readonly connections: RedisConnections,
  ) {}

  /** How many there are, by queue. */
  async count({ entries, state, finishedBefore }: CleaningWish): Promise<Record<string, number>> {
    this.connections.assertReady();
    const counts = await Promise.all(
      entries.map(({ queue, definition: { name } }) =>
        this.connections.producer.zcount(
          `${queue.opts.prefix}:${name}:${state}`,
          '-inf',
          `(${finishedBefore}`,
        ),
      ),
    );
    return Object.fromEntries(entries.map(({ definition }, at) => [definition.name, counts[at] ?? 0]));
  }

  /** Removes at most `limit` here and now, the oldest of each queue first. `kept`: not in the history yet. */
  async cleanNow(
    { entries, state, finishedBefore }: CleaningWish,
    limit: number,
  ): Promise<{ removed: number; kept: number }> {
    let removed = 0;
    let kept = 0;
    for (const entry of entries) {
      const done = await this.sweeper.trim(entry, { state, finishedBefore, count: limit - removed });
      removed += done.removed;
      kept += done.kept;
    }
    return { removed, kept };
  }

  /** The ids of at most `limit` of them. */
  async targets({ entries, state, finishedBefore }: CleaningWish, limit: number): Promise<string[]> {
    const found: string[] = [];
    for (const entry of entries) {
      for await (const ids of this.pages(entry, state, `(${finishedBefore}`)) {
        found.push(...ids.slice(0, limit - found.length));
        if (found.length >= limit) return found;
      }
    }
    return found;
  }

  /** The ids of at most `limit` jobs of a queue that have not started: those in line, by priority, delayed. */
  async notStarted(entry: RegisteredQueue, limit: number): Promise<string[]> {
    const found = new Set<string>();
    for (const list of waitingLists) {
      for (let offset = 0; found.size < limit; offset += PAGE_SIZE) {
        const ids = await this.sets.list(entry, list, offset, PAGE_SIZE);
        ids.forEach((id) => found.add(id));
        if (ids.length < PAGE_SIZE) break;
      }
    }
    for (const set of waitingSets) {
      for await (const ids of this.pages(entry, set, '+inf')) {
        if (found.size >= limit) break;
        ids.forEach((id) => found.add(id));
      }
    }
    return [...found].slice(0, limit);
  }

  /** What has not been taken note of stays `pending`; what has left its set was run again, or is gone. */
  async clean({ request, createdAt }: Operation, items: readonly OperationItem[]): Promise<ItemResult[]> {
    const state = request.state === 'failed' ? 'failed' : 'completed';
    const results: ItemResult[] = [];
    const isLate = createdAt.getTime() + MAX_WAIT_MS < Date.now();
    const skip = ({ ordinal }: OperationItem, detail = `The job is not ${state} any more.`) =>
      results.push({ ordinal, status: 'skipped', detail });
    for (const [entry, own] of this.byQueue(items)) {
      if (entry === undefined) own.forEach((item) => skip(item));
      else {
        const ids = own.map(({ target }) => target);
        const there = (await this.sets.finishedAmong(entry, state, ids)).map(({ id }) => id);
        const gone = await this.sweeper.release(entry, state, there);
        const waits = new Set(there.filter((id) => !gone.has(id)));
        for (const item of own) {
          if (gone.has(item.target)) results.push({ ordinal: item.ordinal, status: 'success' });
          else if (!waits.has(item.target)) skip(item);
          else if (isLate) skip(item, 'The history could not take note of the job.');
        }
      }
    }
    return results;
  }

  private byQueue(items: readonly OperationItem[]): Map<RegisteredQueue | undefined, OperationItem[]> {
    const byQueue = new Map<RegisteredQueue | undefined, OperationItem[]>();
    for (const item of items) {
      const entry = this.registry.ofJob(item.target);
      byQueue.set(entry, [...(byQueue.get(entry) ?? []), item]);
    }
    return byQueue;
  }

  private async *pages(entry: RegisteredQueue, set: string, until: string): AsyncGenerator<string[]> {
    let after: SetPosition = FIRST_POSITION;
    for (;;) {
      const page = await this.sets.page(entry, set, after, PAGE_SIZE, until);
      yield page.map(({ id }) => id);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_SIZE) return;
      after = last;
    }
  }
}
