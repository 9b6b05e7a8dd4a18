import { Injectable } from '@nestjs/common';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';

/** What one queue holds, and about how much of Redis' memory it takes. */
export interface QueueUsage {
  readonly bytes: number;
  readonly jobs: number;
}

// Three jobs of each set stand for all of it; nothing here grows with the queue. Lists are read at their ends only.
// A queue whose keys are spoiled is measured without them: what is wrong with it is told by the readiness check.
const MEASURE = `
local found = {}
for at = 1, #KEYS do
  local kind = redis.call('TYPE', KEYS[at]).ok
  local count, ids = 0, {}
  if kind == 'list' then
    count = redis.call('LLEN', KEYS[at])
    ids = { redis.call('LINDEX', KEYS[at], 0) or nil, redis.call('LINDEX', KEYS[at], -1) or nil }
  elseif kind == 'zset' then
    count = redis.call('ZCARD', KEYS[at])
    for share = 2, #ARGV do
      local place = math.floor((count - 1) * tonumber(ARGV[share]))
      ids[#ids + 1] = redis.call('ZRANGE', KEYS[at], place, place)[1]
    end
  elseif kind == 'stream' then
    found[#found + 1] = { 1, redis.call('MEMORY', 'USAGE', KEYS[at]) or 0 }
  end
  if kind ~= 'stream' then
    local bytes, seen = 0, 0
    for _, id in ipairs(ids) do
      local size = redis.call('MEMORY', 'USAGE', ARGV[1] .. id)
      if size then bytes, seen = bytes + size, seen + 1 end
    end
    found[#found + 1] = { count, seen > 0 and math.floor(bytes / seen) or 0 }
  end
end
return found
`;

const sets = ['wait', 'prioritized', 'delayed', 'active', 'waiting-children', 'completed', 'failed'] as const;
// A member of a sorted set: its skip-list node, its place in the dictionary and the id itself.
const MEMBER_BYTES = 130;
const SAMPLES = 3;
const SMOOTHING = 0.3;

/** Estimates how much memory a queue takes, from samples. */
@Injectable()
export class QueueUsageMeter {
  /** Smoothed bytes per job, by queue and set: three samples alone would make the estimate jump. */
  private readonly bytesPerJob = new Map<string, number>();

  constructor(private readonly connections: RedisConnections) {}

  /** One round trip. Rejects with RedisUnavailableError or the error of Redis. */
  async measure({ queue, definition }: RegisteredQueue): Promise<QueueUsage> {
    this.connections.assertReady();
    const base = `${queue.opts.prefix}:${definition.name}:`;
    const keys = [...sets, 'events'].map((name) => base + name);
    const shares = Array.from({ length: SAMPLES }, () => Math.random());
    const reply = (await this.connections.producer.eval(MEASURE, keys.length, ...keys, base, ...shares)) as [
      count: number,
      bytes: number,
    ][];
    const [, eventBytes = 0] = reply.at(-1) ?? [];
    let bytes = eventBytes;
    let jobs = 0;
    sets.forEach((set, at) => {
      const [count = 0, average = 0] = reply[at] ?? [];
      bytes += count * (this.smoothed(`${definition.name}/${set}`, average) + MEMBER_BYTES);
      jobs += count;
    });
    return { bytes: Math.round(bytes), jobs };
  }

  private smoothed(name: string, average: number): number {
    if (average === 0) return this.bytesPerJob.get(name) ?? 0;
    const before = this.bytesPerJob.get(name) ?? average;
    const now = before + SMOOTHING * (average - before);
    this.bytesPerJob.set(name, now);
    return now;
  }
}
