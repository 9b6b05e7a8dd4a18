import { Injectable } from '@nestjs/common';
import { QueueRegistry } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { WorkerRunner } from './worker-runner.service';

/** Knows whether a queue is being worked, in this process or in any other on the same Redis. */
@Injectable()
export class WorkerPresence {
  constructor(
    private readonly registry: QueueRegistry,
    private readonly runner: WorkerRunner,
    private readonly connections: RedisConnections,
  ) {}

  /** Also true for the five seconds after the last worker stopped. Rejects with the error of Redis. */
  async isWorked(name: string): Promise<boolean> {
    if (this.runner.isRunning(name)) return true;
    const entry = this.registry.get(name);
    if (entry === undefined) return false;
    const { queue } = entry;
    // Every running worker renews this key; one that is built but idle, as in an api process, does not.
    if ((await this.connections.producer.exists(`${queue.opts.prefix}:${name}:stalled-check`)) === 1)
      return true;
    const clients = await queue.getWorkers().catch((error: Error) => {
      // A managed Redis may forbid CLIENT LIST; the key above has to do.
      if (error.message.startsWith('NOPERM')) return [];
      throw error;
    });
    return clients.some((client) => client['cmd'] === 'bzpopmin');
  }
}
