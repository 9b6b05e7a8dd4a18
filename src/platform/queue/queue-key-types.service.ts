import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import { QueueRegistry } from './queue-registry.service';

// What BullMQ 6.7 keeps beside the jobs of a queue, and how.
const types: Readonly<Record<string, string>> = {
  wait: 'list',
  paused: 'list',
  active: 'list',
  delayed: 'zset',
  prioritized: 'zset',
  'waiting-children': 'zset',
  completed: 'zset',
  failed: 'zset',
  marker: 'zset',
  stalled: 'set',
  events: 'stream',
  meta: 'hash',
  id: 'string',
  pc: 'string',
};

/** Finds queues that cannot work because one of their own keys holds something else. */
@Injectable()
export class QueueKeyTypes {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
  ) {}

  /** The spoiled keys of all queues as `<queue>:<name>`; one round trip. Rejects with the error of Redis. */
  async spoiled(): Promise<string[]> {
    this.connections.assertReady();
    const places = this.registry.all().flatMap(({ queue, definition: { name } }) =>
      Object.entries(types).map(([key, type]) => ({
        place: `${name}:${key}`,
        type,
        prefix: queue.opts.prefix,
      })),
    );
    const found = await Promise.all(
      places.map(({ place, prefix }) => this.connections.producer.type(`${prefix}:${place}`)),
    );
    return places
      .filter(({ type }, at) => found[at] !== 'none' && found[at] !== type)
      .map(({ place }) => place);
  }
}
