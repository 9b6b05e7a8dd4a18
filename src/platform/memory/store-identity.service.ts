import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Settings } from '../../config/settings';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { MemoryWatch } from './memory-watch.service';

/** That the contents of Redis are not those this process has seen before. */
export interface EmptiedStore {
  /** Epoch milliseconds. */
  readonly noticedAt: number;
  /** The jobs that each queue held at the last look before. */
  readonly lastSeen: Readonly<Record<string, number>>;
}

const LOOK_MS = 1_000;

/**
 * Notices that Redis was emptied or exchanged under the queues (FLUSHALL, another server, an older copy): a mark
 * that nobody removes is gone or another. Whatever had been waiting there is lost, and only this would say so.
 */
@Injectable()
export class StoreIdentity implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Redis');
  private known?: string;
  private loss?: EmptiedStore;
  private timer?: NodeJS.Timeout;
  private inFlight?: Promise<void>;

  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
    private readonly watch: MemoryWatch,
  ) {}

  /** The last time it happened while this process ran. */
  get emptied(): EmptiedStore | undefined {
    return this.loss;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.look();
    this.timer = setInterval(() => {
      this.inFlight ??= this.look().finally(() => (this.inFlight = undefined));
    }, LOOK_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.inFlight;
  }

  /** Looks for the mark now. Never rejects: a Redis that does not answer is told elsewhere. */
  async look(): Promise<void> {
    if (!this.connections.isReady()) return;
    const key = platformKey(this.settings, 'store');
    try {
      const redis = this.connections.producer;
      const found = await redis.get(key);
      if (found !== null && found === this.known) return;
      if (this.known !== undefined) this.raiseAlarm();
      if (found === null) await redis.set(key, randomUUID(), 'NX');
      this.known = (await redis.get(key)) ?? undefined;
    } catch {
      // The next look is a second away.
    }
  }

  private raiseAlarm(): void {
    const lastSeen = Object.fromEntries(this.watch.jobsSeen());
    this.loss = { noticedAt: Date.now(), lastSeen };
    const counts = Object.entries(lastSeen).map(([queue, jobs]) => `${queue} ${jobs}`);
    this.logger.error({
      msg: `Redis was emptied or exchanged: jobs are lost. Last seen: ${counts.join(', ').slice(0, 500)}`,
      lastSeen,
    });
  }
}
