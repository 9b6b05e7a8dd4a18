import { Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { RedisConnections } from './redis-connections.service';

/** What one Redis says about itself. */
export interface NodeVitals {
  readonly version: string;
  readonly role: string;
  readonly evictionPolicy: string;
  /** What counts against maxmemory: without the buffers of replicas and of the append-only file. */
  readonly usedBytes: number;
  /** 0 where Redis has no limit. */
  readonly maxBytes: number;
  readonly isAppendOnly: boolean;
}

export interface RedisVitals {
  /** One per primary; several on a Cluster. */
  readonly nodes: readonly NodeVitals[];
  /** How far this process' clock is ahead of Redis', at least, once the way there and back is taken off. */
  readonly clockAheadMs: number;
  readonly readAt: number;
}

const FRESH_MS = 1_000;

/** Looks at Redis itself, at most once a second per process however many ask. */
@Injectable()
export class RedisVitalsReader {
  private newest?: RedisVitals;
  private reading?: Promise<RedisVitals>;

  constructor(private readonly connections: RedisConnections) {}

  /** The newest look, whatever its age; undefined before the first. */
  get last(): RedisVitals | undefined {
    return this.newest;
  }

  /** A look that is at most a second old. Rejects with RedisUnavailableError or the error of Redis. */
  async read(): Promise<RedisVitals> {
    const { newest } = this;
    if (newest !== undefined && Date.now() - newest.readAt < FRESH_MS) return newest;
    this.connections.assertReady();
    this.reading ??= this.ask().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async ask(): Promise<RedisVitals> {
    const { producer } = this.connections;
    const nodes: Pick<Redis, 'info' | 'time'>[] = 'nodes' in producer ? producer.nodes('master') : [producer];
    const [infos, clockAheadMs] = await Promise.all([
      Promise.all(nodes.map((node) => node.info())),
      nodes[0] === undefined ? 0 : clockAhead(nodes[0]),
    ]);
    this.newest = { nodes: infos.map(vitalsOf), clockAheadMs, readAt: Date.now() };
    return this.newest;
  }
}

/** What of the difference the way there and back cannot explain, in milliseconds; negative when we are behind. */
async function clockAhead(redis: Pick<Redis, 'time'>): Promise<number> {
  const sentAt = Date.now();
  const [seconds, microseconds] = await redis.time();
  const receivedAt = Date.now();
  const redisAt = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  if (redisAt < sentAt) return Math.round(sentAt - redisAt);
  return redisAt > receivedAt ? Math.round(receivedAt - redisAt) : 0;
}

/** Reads the text of INFO; a field that is missing counts as 0, or as an empty text. */
export function vitalsOf(info: string): NodeVitals {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  return {
    version: field('redis_version'),
    role: field('role'),
    evictionPolicy: field('maxmemory_policy'),
    usedBytes: Number(field('used_memory')) - Number(field('mem_not_counted_for_evict')),
    maxBytes: Number(field('maxmemory')),
    isAppendOnly: field('aof_enabled') === '1',
  };
}
