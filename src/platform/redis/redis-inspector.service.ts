import { Injectable } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { RedisConnections } from './redis-connections.service';
import { isAway } from './redis-unavailable.error';

export type RedisConnectionTest =
  | { readonly success: true; readonly latencyMs: number }
  | { readonly success: false; readonly error: string };

export interface RedisInfo {
  /** Whether the settings name a Redis. */
  readonly configured: boolean;
  readonly connected: boolean;
  /** What Redis uses, in its own words, such as `1.20M`; null when it does not tell. */
  readonly memory: string | null;
  readonly clients: number | null;
}

/** Says how the Redis behind the queues is doing, in the words of document 000. */
@Injectable()
export class RedisInspector {
  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** One round trip, in milliseconds. Never rejects because Redis is away. */
  async testRedisConnection(): Promise<RedisConnectionTest> {
    try {
      const latencyMs = await this.connections.pingMs();
      return { success: true, latencyMs: Math.round(latencyMs * 100) / 100 };
    } catch (error) {
      if (!isAway(error)) throw error;
      return { success: false, error: (error as Error).message.slice(0, 300) };
    }
  }

  /** Memory and clients as Redis counts them; on a Cluster those of one node. Never rejects because Redis is away. */
  async getRedisInfo(): Promise<RedisInfo> {
    const configured = this.settings.hasRedis;
    const nothing = { configured, connected: this.connections.isReady(), memory: null, clients: null };
    if (!nothing.connected) return nothing;
    const redis = this.connections.producer;
    try {
      const [memory, clients] = await Promise.all([redis.info('memory'), redis.info('clients')]);
      const count = field(clients, 'connected_clients');
      return {
        ...nothing,
        memory: field(memory, 'used_memory_human'),
        clients: count === null ? null : Number(count),
      };
    } catch (error) {
      if (!isAway(error)) throw error;
      // A user without the right to ask is connected all the same.
      return { ...nothing, connected: (error as Error).message.startsWith('NOPERM') };
    }
  }
}

function field(info: string, name: string): string | null {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
}
