import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Queue } from 'bullmq';
import { Settings } from '../../config/settings';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { queuePrefix } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { deadLetterQueueName } from '../queue/dead-letter-name';

/** A queue `<queue>_dlq` in Redis and the one it belongs to. */
export interface DeadLetterQueue {
  readonly origin: RegisteredQueue;
  readonly queue: Queue;
}

/**
 * The queues that show dead letters. None of them is in the registry: they take no job type,
 * have no worker and are nobody's backlog.
 */
@Injectable()
export class DeadLetterQueues implements OnApplicationShutdown {
  private readonly queues = new Map<string, DeadLetterQueue>();

  constructor(
    private readonly registry: QueueRegistry,
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** One for each queue of the registry, in its order. */
  all(): readonly DeadLetterQueue[] {
    return this.registry.all().map((origin) => this.of(origin));
  }

  of(origin: RegisteredQueue): DeadLetterQueue {
    const { name, domain } = origin.definition;
    const known = this.queues.get(name);
    if (known !== undefined) return known;
    const queue = new Queue(deadLetterQueueName(name), {
      connection: this.connections.producer,
      prefix: queuePrefix(this.settings, domain),
      skipWaitingForReady: true,
      skipVersionCheck: true,
      // Nobody listens.
      streams: { events: { maxLen: 10 } },
    });
    queue.on('error', () => undefined);
    const created = { origin, queue };
    this.queues.set(name, created);
    return created;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.queues.values()].map(({ queue }) => queue.close()));
  }
}
