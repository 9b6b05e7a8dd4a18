import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Cluster, Redis } from 'ioredis';
import { Settings } from '../../config/settings';
import { redisTarget, type ConnectionKind } from './redis-options';
import { isAway, RedisUnavailableError } from './redis-unavailable.error';

export type RedisClient = Redis | Cluster;

const ERROR_LOG_INTERVAL_MS = 10_000;

/** The Redis connections of this process: one per kind, opened when first asked for, closed after everything else. */
@Injectable()
export class RedisConnections implements BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('Redis');
  private readonly clients = new Map<ConnectionKind, RedisClient>();
  private lastErrorLoggedAt = 0;
  private closing = false;

  constructor(private readonly settings: Settings) {}

  get producer(): RedisClient {
    return this.client('producer');
  }

  get worker(): RedisClient {
    return this.client('worker');
  }

  get subscriber(): RedisClient {
    return this.client('subscriber');
  }

  get admin(): RedisClient {
    return this.client('admin');
  }

  /** Whether commands on the producer connection can be answered now, as far as its socket tells. */
  isReady(): boolean {
    return this.producer.status === 'ready';
  }

  /** Throws {@link RedisUnavailableError} at once while the producer connection is down, so that no caller waits. */
  assertReady(): void {
    if (!this.isReady()) throw new RedisUnavailableError('Redis is not connected.');
  }

  /** Resolves true when Redis is connected, false when it is not within the time given. Never rejects. */
  async waitUntilReady(timeoutMs: number): Promise<boolean> {
    const client = this.producer;
    if (client.status === 'ready') return true;
    return new Promise((resolve) => {
      const settle = (isReady: boolean) => {
        clearTimeout(timer);
        client.off('ready', onReady);
        resolve(isReady);
      };
      const onReady = () => settle(true);
      const timer = setTimeout(() => settle(false), timeoutMs);
      client.once('ready', onReady);
    });
  }

  /** One round trip on the producer connection, in milliseconds. Rejects with {@link RedisUnavailableError}. */
  async pingMs(): Promise<number> {
    this.assertReady();
    const startedAt = performance.now();
    try {
      await this.producer.ping();
    } catch (error) {
      throw isAway(error) ? new RedisUnavailableError('Redis does not answer.', { cause: error }) : error;
    }
    return performance.now() - startedAt;
  }

  beforeApplicationShutdown(): void {
    this.closing = true;
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing = true;
    // Queues and workers close in the same phase; their last commands go first.
    await new Promise((resolve) => setImmediate(resolve));
    for (const client of this.clients.values()) client.disconnect();
  }

  private client(kind: ConnectionKind): RedisClient {
    const existing = this.clients.get(kind);
    if (existing !== undefined) return existing;
    const target = redisTarget(this.settings, kind);
    const client =
      target.kind === 'cluster' ? new Cluster(target.nodes, target.options) : new Redis(target.options);
    // Every queue listens on the shared connection, with several listeners each.
    client.setMaxListeners(1_000);
    client.on('error', (error: Error) => this.logError(kind, error));
    client.on('ready', () => this.logger.log({ msg: '✅ Redis connected successfully', connection: kind }));
    this.clients.set(kind, client);
    return client;
  }

  private logError(kind: ConnectionKind, error: Error): void {
    const now = Date.now();
    if (this.closing || now - this.lastErrorLoggedAt < ERROR_LOG_INTERVAL_MS) return;
    this.lastErrorLoggedAt = now;
    this.logger.error({ msg: `Redis connection error: ${describe(error)}`, connection: kind });
  }
}

function describe(error: Error & { code?: string }): string {
  return (error.message || error.code || error.name).slice(0, 300);
}
