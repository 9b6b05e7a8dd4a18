import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { concurrencyOf, type QueueDefinition } from '../queue/define-queue';
import { queuePrefix } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { HELD_FROM } from './held-jobs-script';
import { KeyDispenser } from './key-dispenser';
import { checkKeyLimit, defaultLimit, hintChannel } from './key-limit';
import { LimitedQueue } from './permit-calls';
import { FREE } from './free-script';

/** The dispensers of this process, one for each worker of a queue with limits per key. */
@Injectable()
export class KeyDispensers implements OnApplicationShutdown {
  private readonly logger = new Logger('KeyLimits');
  private readonly byQueue = new Map<string, KeyDispenser>();
  private isSubscribed = false;
  private isStopping = false;

  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** That of a queue; undefined where the queue has no such limits. */
  of(definition: QueueDefinition): KeyDispenser | undefined {
    const { name, keyLimits } = definition;
    if (keyLimits === undefined) return undefined;
    const existing = this.byQueue.get(name);
    if (existing !== undefined) return existing;
    const concurrency = concurrencyOf(definition, this.settings);
    const dispenser = new KeyDispenser(this.limited(definition), name, concurrency);
    this.byQueue.set(name, dispenser);
    return dispenser;
  }

  /** From now on this process lets held jobs of the queue in. */
  start(definition: QueueDefinition): void {
    const dispenser = this.of(definition);
    if (dispenser === undefined) {
      void this.free(definition);
      return;
    }
    this.subscribe();
    dispenser.start();
  }

  /** Lets nothing in any more, and goes on to note what ends. */
  pause(): void {
    this.byQueue.forEach((dispenser) => dispenser.pause());
  }

  async stop(queue: string): Promise<void> {
    await this.byQueue.get(queue)?.stop();
  }

  onApplicationShutdown(): void {
    this.isStopping = true;
    this.pause();
  }

  private limited(definition: QueueDefinition): LimitedQueue {
    const prefix = queuePrefix(this.settings, definition.domain);
    const limit = definition.keyLimits === undefined ? {} : defaultLimit(definition.keyLimits, this.settings);
    checkKeyLimit(definition.name, limit);
    return new LimitedQueue(this.connections.worker, prefix, definition, limit);
  }

  /** A queue may have had limits before: nobody else would let in what it held. */
  private async free(definition: QueueDefinition): Promise<void> {
    try {
      const queue = this.limited(definition);
      let freed = 0;
      for (let count = 1; count > 0 && !this.isStopping; freed += count) {
        count = Number(await queue.run(FREE, HELD_FROM));
      }
      if (freed > 0) {
        const msg = `${freed} jobs no longer wait for their keys: the queue limits none any more`;
        this.logger.log({ msg, queue: definition.name });
      }
    } catch (error) {
      if (this.isStopping) return;
      const msg = `Whether jobs wait for keys is not known: ${String(error).slice(0, 300)}`;
      this.logger.warn({ msg, queue: definition.name });
    }
  }

  /** For speed alone: without it workers look once a second. */
  private subscribe(): void {
    if (this.isSubscribed) return;
    this.isSubscribed = true;
    const channel = hintChannel(this.settings.REDIS_PREFIX);
    const { subscriber } = this.connections;
    subscriber.on('message', (from: string, queue: string) => {
      if (from === channel && !this.isStopping) this.byQueue.get(queue)?.nudge();
    });
    subscriber.subscribe(channel).catch((error: Error) => {
      this.logger.warn(`Held jobs start with a delay of a second: ${error.message.slice(0, 300)}`);
    });
  }
}
