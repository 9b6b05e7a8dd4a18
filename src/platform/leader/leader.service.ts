import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Settings } from '../../config/settings';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { Lease } from './lease';

const ERROR_LOG_INTERVAL_MS = 10_000;

/** Periodic work that one process at a time does for all of them, by a lease in Redis. */
@Injectable()
export class Leader implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Leader');
  private readonly me = randomUUID();
  private readonly stops: (() => Promise<void>)[] = [];
  private readonly loggedAt = new Map<string, number>();

  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /**
   * Runs the work every `intervalMs` wherever the lease of this name is held; turns never overlap here.
   * A holder that dies is followed by another process within three intervals, or five seconds if that is more; one that
   * stops, within an interval, or a second.
   * The lease is no fence: two processes may overlap after a pause, so the work must bear being done twice.
   */
  every(name: string, intervalMs: number, work: () => Promise<void>): void {
    const key = platformKey(this.settings, `leader:${name}`);
    const lease = new Lease(this.connections.producer, key, this.me, intervalMs);
    let inFlight: Promise<void> | undefined;
    const timer = setInterval(() => {
      inFlight ??= this.turn(name, lease, work).finally(() => {
        inFlight = undefined;
      });
    }, intervalMs);
    timer.unref();
    this.stops.push(async () => {
      clearInterval(timer);
      await inFlight;
      if (this.connections.isReady()) await lease.release().catch(() => undefined);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.stops.map((stop) => stop()));
  }

  private async turn(name: string, lease: Lease, work: () => Promise<void>): Promise<void> {
    if (!this.connections.isReady()) return;
    try {
      if (await lease.hold()) await work();
    } catch (error) {
      this.logFailure(name, error);
    }
  }

  private logFailure(name: string, error: unknown): void {
    const now = Date.now();
    if (now - (this.loggedAt.get(name) ?? 0) < ERROR_LOG_INTERVAL_MS) return;
    this.loggedAt.set(name, now);
    this.logger.warn(`The work of "${name}" failed and is tried again: ${String(error).slice(0, 300)}`);
  }
}
