import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import { JOBS_AFTER, JOBS_AMONG, KEYS_OF, PAGE, READ, TROUBLED } from './job-sets-scripts';
import { snapshotOf, type FinishedState, type JobSnapshot, type JobState } from './job-snapshot';
import type { RegisteredQueue } from './queue-registry.service';

/** A place in a sorted set: its score as Redis writes it, and the member that settles equal scores. */
export interface SetPosition {
  readonly score: string;
  readonly id: string;
}

export const FIRST_POSITION: SetPosition = { score: '-inf', id: '' };

/** A job as Redis had it at `readAt`, in epoch milliseconds by the clock of Redis. */
export interface ReadJob {
  readonly job: JobSnapshot;
  readonly readAt: number;
}

/** What tells one life of a job from another, in epoch milliseconds. */
export interface JobKey {
  readonly id: string;
  readonly createdAt: number;
  readonly finishedAt: number;
}

/** A finished job; `snapshot` is missing where the set holds an id without a job behind it. */
export interface FinishedJob {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly finishedAt: number;
  readonly snapshot?: JobSnapshot;
}

type ReadReply = [string, ...([string, JobState, string | null, (string | null)[]] | null)[]];
type FinishedReply = readonly [id: string, finishedAt: string, fields: (string | null)[] | null][];

/**
 * Reads the places where BullMQ keeps a queue's jobs, in bounded batches and the order of the place; the sets of
 * finished jobs are the truth about what became of a job. Two processes' clocks differ, so that a job may turn up
 * behind a position: whoever must miss none goes back a little, and answers for each id before retention removes it.
 * Everything here rejects with the error of Redis.
 */
@Injectable()
export class JobSets {
  constructor(private readonly connections: RedisConnections) {}

  /** At most `limit` members after the position, the lowest first. */
  async page(
    entry: RegisteredQueue,
    set: string,
    after: SetPosition,
    limit: number,
    until = '+inf',
  ): Promise<SetPosition[]> {
    const key = baseOf(entry) + set;
    const reply = (await this.eval(PAGE, key, after.score, after.id, limit, until)) as string[];
    return Array.from({ length: reply.length / 2 }, (_, index) => ({
      id: reply[2 * index] ?? '',
      score: reply[2 * index + 1] ?? '',
    }));
  }

  /** The members of a list from `offset`, at most `limit`; the newest waiting jobs come first. */
  list(entry: RegisteredQueue, name: string, offset: number, limit: number): Promise<string[]> {
    this.connections.assertReady();
    return this.connections.producer.lrange(baseOf(entry) + name, offset, offset + limit - 1);
  }

  /** Those of the ids that have a job behind them, at most 1,000. */
  async read(entry: RegisteredQueue, ids: readonly string[]): Promise<ReadJob[]> {
    if (ids.length === 0) return [];
    const base = baseOf(entry);
    const [readAt, ...found] = (await this.eval(READ, `${base}meta`, base, ...ids)) as ReadReply;
    return found.flatMap((one) => {
      if (one === null) return [];
      const [id, state, dueAt, fields] = one;
      return [{ job: snapshotOf(id, entry.definition.name, state, fields, dueAt), readAt: Number(readAt) }];
    });
  }

  /** The keys of those ids that have a job behind them, at most 1,000. */
  async keysOf(entry: RegisteredQueue, ids: readonly string[]): Promise<JobKey[]> {
    if (ids.length === 0) return [];
    const base = baseOf(entry);
    const found = (await this.eval(KEYS_OF, `${base}meta`, base, ...ids)) as [string, string, string][];
    return found.map(([id, createdAt, finishedAt]) => ({
      id,
      createdAt: Number(createdAt),
      finishedAt: Number(finishedAt),
    }));
  }

  /** Those of the ids whose jobs were started or sent back more than once, at most 1,000. */
  async troubled(entry: RegisteredQueue, ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    const base = baseOf(entry);
    return (await this.eval(TROUBLED, `${base}meta`, base, ...ids)) as string[];
  }

  /** At most `limit` finished jobs after the position, oldest first; one round trip. */
  async finishedAfter(
    entry: RegisteredQueue,
    state: FinishedState,
    after: SetPosition,
    limit: number,
  ): Promise<FinishedJob[]> {
    const base = baseOf(entry);
    const reply = await this.eval(JOBS_AFTER, base + state, after.score, after.id, limit, '+inf', base);
    return finishedJobs(reply as FinishedReply, entry, state);
  }

  /** Those of the ids that have finished so, at most 500; one round trip. */
  async finishedAmong(
    entry: RegisteredQueue,
    state: FinishedState,
    ids: readonly string[],
  ): Promise<FinishedJob[]> {
    if (ids.length === 0) return [];
    const base = baseOf(entry);
    const reply = await this.eval(JOBS_AMONG, base + state, base, ...ids);
    return finishedJobs(reply as FinishedReply, entry, state);
  }

  private eval(script: string, key: string, ...rest: (string | number)[]): Promise<unknown> {
    this.connections.assertReady();
    return this.connections.producer.eval(script, 1, key, ...rest);
  }
}

function baseOf({ queue, definition }: RegisteredQueue): string {
  return `${queue.opts.prefix}:${definition.name}:`;
}

function finishedJobs(
  reply: FinishedReply,
  { definition: { name } }: RegisteredQueue,
  state: FinishedState,
): FinishedJob[] {
  return reply.map(([id, finishedAt, fields]) => ({
    id,
    finishedAt: Number(finishedAt),
    ...(fields !== null && { snapshot: snapshotOf(id, name, state, fields) }),
  }));
}
