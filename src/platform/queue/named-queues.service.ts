import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import { addJob, type AddOptions } from './add-job';
import type { BackoffPolicy } from './define-queue';
import { QueueCounter } from './queue-counts.service';
import { QueueRegistry, type RegisteredQueue } from './queue-registry.service';

/** Document 000's options, in its own words. */
export interface NamedJobOptions {
  readonly attempts?: number;
  readonly backoff?: { readonly type: BackoffPolicy['type']; readonly delay: number };
  /** Milliseconds before the first start. */
  readonly delay?: number;
  /** The same key is the same job. */
  readonly jobId?: string;
  readonly tenant?: string;
}

/** Document 000's statistics of a queue, asked anew each time. */
export interface NamedQueueStats {
  readonly waiting: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
  readonly delayed: number;
}

/** No queue of this name is registered; the message names those that are. */
export class UnknownQueueError extends Error {
  constructor(name: string, known: readonly string[]) {
    super(`There is no queue "${name.slice(0, 100)}". Known queues: ${known.join(', ')}.`);
    this.name = 'UnknownQueueError';
  }
}

/** Queues by their names, as document 000 uses them; whoever knows the queue at compile time has its producer. */
@Injectable()
export class NamedQueues {
  constructor(
    private readonly registry: QueueRegistry,
    private readonly counter: QueueCounter,
    private readonly connections: RedisConnections,
  ) {}

  /** Every registered queue by its name in capitals: `BROKER_SYNC` is `broker-sync`. */
  get QUEUE_NAMES(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.registry.all().map(({ definition: { name } }) => [name.replaceAll('-', '_').toUpperCase(), name]),
    );
  }

  /** Resolves with the id of the job. Throws {@link UnknownQueueError} and whatever `addJob` of the queue throws. */
  async addJob(queue: string, name: string, data: object, options: NamedJobOptions = {}): Promise<string> {
    const { definition, queue: store } = this.require(queue);
    const { attempts, backoff, delay, jobId: key, tenant } = options;
    const given: AddOptions = {
      ...(attempts !== undefined && { attempts }),
      ...(backoff !== undefined && { backoff: { type: backoff.type, delayMs: backoff.delay } }),
      ...(delay !== undefined && { delayMs: delay }),
      ...(key !== undefined && { key }),
      ...(tenant !== undefined && { tenant }),
    };
    const { id = '' } = await addJob(definition, store, name, data, given);
    return id;
  }

  /** Throws {@link UnknownQueueError}, and RedisUnavailableError. */
  async getQueueStats(queue: string): Promise<NamedQueueStats> {
    const entry = this.require(queue);
    this.connections.assertReady();
    const { waiting, active, completed, failed, delayed } = await this.counter.count(entry);
    return { waiting, active, completed, failed, delayed };
  }

  private require(name: string): RegisteredQueue {
    const entry = this.registry.get(name);
    if (entry !== undefined) return entry;
    throw new UnknownQueueError(
      name,
      this.registry.all().map(({ definition }) => definition.name),
    );
  }
}
