import { Injectable } from '@nestjs/common';
import { deduplicationMs } from '../queue/define-queue';
import type { FinishedState } from '../queue/job-snapshot';
import { knownJobBase } from '../queue/known-job';
import { KnownJobs } from '../queue/known-jobs.service';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { REMOVE_FINISHED } from './remove-finished-script';

// One step of Redis keeps everybody else waiting.
const JOBS_PER_STEP = 250;

/** Removes finished jobs from Redis, and remembers the keys that still stand for them. */
@Injectable()
export class FinishedRemoval {
  constructor(
    private readonly connections: RedisConnections,
    private readonly memory: KnownJobs,
  ) {}

  /** Those of the ids that are not in the set of that state are left alone. Rejects with the error of Redis. */
  async remove(
    entry: RegisteredQueue,
    state: FinishedState,
    ids: readonly string[],
    now: number,
  ): Promise<void> {
    for (let from = 0; from < ids.length; from += JOBS_PER_STEP) {
      const others = await this.step(entry, state, ids.slice(from, from + JOBS_PER_STEP), now);
      await this.memory.keep(entry, state, others, now);
      // The children of a flow's job have guards and times of their own.
      await Promise.all(others.map((id) => entry.queue.remove(id, { removeChildren: false })));
    }
  }

  private step(
    { queue, definition }: RegisteredQueue,
    state: FinishedState,
    ids: readonly string[],
    now: number,
  ): Promise<string[]> {
    const prefix = queue.opts.prefix ?? 'bull';
    const base = `${prefix}:${definition.name}:`;
    return this.connections.producer.eval(
      REMOVE_FINISHED,
      1,
      base + state,
      base,
      knownJobBase(prefix),
      state,
      deduplicationMs(definition),
      now,
      ...ids,
    ) as Promise<string[]>;
  }
}
