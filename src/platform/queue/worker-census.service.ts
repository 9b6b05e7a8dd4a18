import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import type { RegisteredQueue } from './queue-registry.service';

/** Tells how many workers are connected for each queue, over all processes. */
@Injectable()
export class WorkerCensus {
  constructor(private readonly connections: RedisConnections) {}

  /**
   * Workers by queue name; undefined when this Redis user may not list clients.
   * One round trip for any number of queues. Rejects with RedisUnavailableError or the error of Redis.
   */
  async count(queues: readonly RegisteredQueue[]): Promise<ReadonlyMap<string, number> | undefined> {
    this.connections.assertReady();
    try {
      const lists = await this.clientLists();
      return new Map(queues.map((entry) => [entry.definition.name, mostOn(lists, entry)]));
    } catch (error) {
      if (error instanceof Error && /^(NOPERM|ERR unknown)/.test(error.message)) return undefined;
      throw error;
    }
  }

  private async clientLists(): Promise<string[][]> {
    const { producer } = this.connections;
    const nodes = 'nodes' in producer ? producer.nodes('master') : [producer];
    const lists = await Promise.all(nodes.map((node) => node.client('LIST') as Promise<string>));
    return lists.map((list) => [...list.matchAll(/ name=(\S+)/g)].map((match) => match[1] ?? ''));
  }
}

/** On a Cluster a worker blocks on the one node that holds its queue, but may be connected to all. */
function mostOn(lists: string[][], { queue, definition }: RegisteredQueue): number {
  // BullMQ names the blocking connection of each worker so.
  const name = `${queue.opts.prefix}:${Buffer.from(definition.name).toString('base64')}`;
  const counts = lists.map(
    (clients) => clients.filter((client) => client === name || client.startsWith(`${name}:w:`)).length,
  );
  return Math.max(0, ...counts);
}
