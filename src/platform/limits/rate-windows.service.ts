import { Injectable, Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { Settings } from '../../config/settings';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { LocalWindows } from './local-windows';
import { TAKE, type Taken, type WindowLimit } from './rate-window';

const COMMAND = 'holdfastTakeFromWindow';
const ERROR_LOG_INTERVAL_MS = 10_000;

type Client = (Redis | Cluster) & {
  [COMMAND]?: (...args: (string | number)[]) => Promise<[number, number, number]>;
};

/**
 * Counts what callers take, for all processes together in Redis, in one command. While Redis does not answer each
 * process counts by itself: reads go on, and nobody gets more than the limit from any one process.
 */
@Injectable()
export class RateWindows {
  private readonly logger = new Logger('Limits');
  private readonly local = new LocalWindows();
  private lastErrorLoggedAt = 0;

  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** Takes so many from the window of this name, or none at all. Never rejects. */
  async take(name: string, limit: WindowLimit, cost = 1): Promise<Taken> {
    if (!this.connections.isReady()) return this.local.take(name, limit, cost);
    try {
      const [isAllowed, remaining, resetMs] = await this.command(name, limit, cost);
      return { isAllowed: isAllowed === 1, remaining, resetMs };
    } catch (error) {
      this.logError(error);
      return this.local.take(name, limit, cost);
    }
  }

  private command(name: string, { max, windowMs }: WindowLimit, cost: number) {
    const client = this.connections.producer as Client;
    if (client[COMMAND] === undefined) client.defineCommand(COMMAND, { lua: TAKE, numberOfKeys: 1 });
    // Names hold what callers chose, such as the subject of a token.
    const short = createHash('sha256').update(name).digest('base64url').slice(0, 22);
    return client[COMMAND]!(platformKey(this.settings, `limit:${short}`), max, windowMs, cost);
  }

  private logError(error: unknown): void {
    const now = Date.now();
    if (now - this.lastErrorLoggedAt < ERROR_LOG_INTERVAL_MS) return;
    this.lastErrorLoggedAt = now;
    this.logger.warn(`Limits are counted in this process alone: ${String(error).slice(0, 200)}`);
  }
}
