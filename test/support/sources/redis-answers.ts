import type { Cluster, Redis } from 'ioredis';

/** Work that takes as long as Redis needs for so many answers, one after the other. */
export async function answers(redis: Redis | Cluster, count: number): Promise<void> {
  for (let asked = 0; asked < count; asked += 1) await redis.ping();
}
