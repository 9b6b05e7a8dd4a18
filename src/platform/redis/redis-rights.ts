import type { Redis } from 'ioredis';

type Argument = string | number;

/**
 * Every command that BullMQ and Holdfast send, with arguments that change nothing: each names one key that holds a
 * text, so that whoever has the right gets a refusal of the type, and whoever lacks it gets NOPERM.
 */
function harmless(key: string): readonly (readonly [command: string, ...Argument[]])[] {
  const none = `${key}:none`;
  return [
    ['bzpopmin', key, 0.01],
    ['client', 'SETNAME', 'holdfast:producer'],
    ['del', none],
    ['eval', 'return 1', 1, key],
    ['evalsha', '0'.repeat(40), 1, key],
    ['exists', key],
    ['get', key],
    ['hdel', key, 'f'],
    ['hexists', key, 'f'],
    ['hget', key, 'f'],
    ['hgetall', key],
    ['hincrby', key, 'f', 1],
    ['hlen', key],
    ['hmget', key, 'f'],
    ['hmset', key, 'f', 'v'],
    ['hset', key, 'f', 'v'],
    ['incr', key],
    ['incrby', key, 1],
    ['info', 'server'],
    ['lindex', key, 0],
    ['llen', key],
    ['lpos', key, 'v'],
    ['lpush', key, 'v'],
    ['lrange', key, 0, 0],
    ['lrem', key, 1, 'v'],
    ['ltrim', key, 0, 0],
    ['memory', 'USAGE', key],
    ['pexpire', none, 1],
    ['ping'],
    ['pttl', key],
    ['rpoplpush', key, key],
    ['rpush', key, 'v'],
    ['sadd', key, 'v'],
    ['scard', key],
    ['smembers', key],
    ['srem', key, 'v'],
    ['time'],
    ['type', key],
    ['xadd', key, '*', 'f', 'v'],
    ['xlen', key],
    ['xrange', key, '-', '+', 'COUNT', 1],
    ['xtrim', key, 'MAXLEN', 1],
    ['zadd', key, 1, 'v'],
    ['zcard', key],
    ['zcount', key, 0, 1],
    ['zpopmin', key],
    ['zrange', key, 0, 0],
    ['zrangebyscore', key, 0, 1],
    ['zrem', key, 'v'],
    ['zrevrange', key, 0, 0],
    ['zrevrangebyscore', key, 1, 0],
    ['zscore', key, 'v'],
  ];
}

/** The commands that this Redis user may not send; the key must hold a text that means nothing. One round trip. */
export async function missingRights(redis: Pick<Redis, 'pipeline'>, key: string): Promise<string[]> {
  const commands = harmless(key);
  const pipeline = redis.pipeline();
  for (const [command, ...args] of commands) pipeline.call(command, ...args);
  const replies = (await pipeline.exec()) ?? [];
  return commands
    .filter((_command, at) => replies[at]?.[0]?.message.startsWith('NOPERM') === true)
    .map(([command]) => command);
}
