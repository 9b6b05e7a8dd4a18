import { Injectable } from '@nestjs/common';
import { Settings } from '../../config/settings';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { defaultLimit, limitOf, limitText, type KeyLimit } from './key-limit';
import { LimitedQueue } from './permit-calls';
import { LIST, SET_LIMIT } from './limit-scripts';
import { FORGET, RECONCILE } from './reconcile-script';

/** What is known of one key of a queue, at one moment. */
export interface KeyState {
  readonly key: string;
  /** Jobs of the key that wait: for what it may have, or for their turn in the line. */
  readonly waiting: number;
  /** Jobs that were let in: they run, or start next. */
  readonly running: number;
  readonly limit: KeyLimit;
  /** Whether the limit is the key's own, and not its queue's. */
  readonly isOwn: boolean;
  /** When its rate lets the next job in, in epoch milliseconds; absent where it does so now. */
  readonly nextAt?: number;
  /** Whether as many of its jobs run as may. */
  readonly isFull: boolean;
}

/** Why a job waits although workers may be free. */
export interface JobHold {
  readonly key: string;
  /** `turn` where nothing but the jobs before it keeps it waiting. */
  readonly reason: 'rate' | 'concurrency' | 'turn';
  /** Epoch milliseconds; when the key may start its next job, not when this one will. */
  readonly nextAt?: number;
}

/** What a job that is gone may have left behind. */
export interface GoneJob {
  readonly id: string;
  readonly heldFor?: string | undefined;
  readonly inLineOf?: string | undefined;
}

/** How many keys of one queue may have limits of their own. */
export const MAX_OWN_LIMITS = 10_000;
/** How many of them the sources of one tenant may set, so that no tenant takes what all of them share. */
export const MAX_OWN_LIMITS_OF_TENANT = 1_000;

type Row = readonly [
  key: string,
  waiting: number,
  running: number,
  own: string,
  nextMs: number,
  isFull: number,
];

/** Reads and sets the limits of single keys, and keeps what is known of them right. Rejects with the error of Redis. */
@Injectable()
export class KeyLimitStore {
  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** What each key of the queue may have that has no limits of its own. */
  defaults({ definition: { keyLimits } }: RegisteredQueue): KeyLimit {
    return keyLimits === undefined ? {} : defaultLimit(keyLimits, this.settings);
  }

  /** At most `count` keys after the one given, in the order of their bytes. */
  async page(entry: RegisteredQueue, after: string, count: number): Promise<KeyState[]> {
    return this.list(entry, 0, after, count);
  }

  /** What is known of one key; one that was never seen has no jobs and the queue's limits. */
  async state(entry: RegisteredQueue, key: string): Promise<KeyState> {
    const [state] = await this.list(entry, 1, key);
    return state!;
  }

  /**
   * At once, and until it is removed. False where too many keys have limits of their own, or too many were set for the
   * tenant that is named: those that an operator sets for a key are nobody's.
   */
  async set(entry: RegisteredQueue, key: string, limit: KeyLimit, tenant = ''): Promise<boolean> {
    const most = [MAX_OWN_LIMITS, MAX_OWN_LIMITS_OF_TENANT];
    return (await this.run(entry, SET_LIMIT, key, limitText(limit), tenant, ...most)) === 1;
  }

  /** From now on the queue's limits are the key's. */
  async remove(entry: RegisteredQueue, key: string): Promise<void> {
    await this.run(entry, SET_LIMIT, key, '', '', MAX_OWN_LIMITS, MAX_OWN_LIMITS_OF_TENANT);
  }

  /** Why a job is held for its key. */
  async hold(entry: RegisteredQueue, key: string): Promise<JobHold> {
    const { isFull, nextAt } = await this.state(entry, key);
    const reason = isFull ? 'concurrency' : nextAt === undefined ? 'turn' : 'rate';
    return { key, reason, ...(nextAt !== undefined && { nextAt }) };
  }

  /** Frees what jobs had that are gone, or do not wait for their key any more. */
  async forget(entry: RegisteredQueue, jobs: readonly GoneJob[]): Promise<void> {
    if (entry.definition.keyLimits === undefined || jobs.length === 0) return;
    await this.run(
      entry,
      FORGET,
      ...jobs.flatMap(({ id, heldFor = '', inLineOf = '' }) => [id, heldFor, inLineOf]),
    );
  }

  /**
   * Looks at a page of keys after the one given, and with `hasPermits` at all jobs that were let in.
   * Resolves with the last key of the page, '' after the last page, and with how many permits were nobody's.
   */
  async reconcile(
    entry: RegisteredQueue,
    after: string,
    count: number,
    hasPermits: boolean,
  ): Promise<{ last: string; freed: number }> {
    const reply = await this.run(entry, RECONCILE, after, count, hasPermits ? '1' : '0');
    const [last, freed] = reply as [string, number];
    return { last, freed };
  }

  private async list(entry: RegisteredQueue, ...args: (string | number)[]): Promise<KeyState[]> {
    const [now, ...rows] = (await this.run(entry, LIST, ...args)) as [string, ...Row[]];
    const defaults = this.defaults(entry);
    return rows.map(([key, waiting, running, own, nextMs, isFull]) => ({
      key,
      waiting,
      running,
      limit: own === '' ? defaults : limitOf(own),
      isOwn: own !== '',
      ...(nextMs >= 0 && { nextAt: Number(now) + nextMs }),
      isFull: isFull === 1,
    }));
  }

  private run(entry: RegisteredQueue, script: string, ...args: (string | number)[]): Promise<unknown> {
    this.connections.assertReady();
    const { queue, definition } = entry;
    const { producer } = this.connections;
    return new LimitedQueue(producer, queue.opts.prefix ?? '', definition, this.defaults(entry)).run(
      script,
      ...args,
    );
  }
}
