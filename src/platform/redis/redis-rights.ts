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
    // With sscan: what the dashboard asks for the tree of a flow.
    ['hscan', key, 0],
    ['hset', key, 'f', 'v'],
    ['hsetnx', key, 'f', 'v'],
    ['incr', key],
    ['incrby', key, 1],
    ['info', 'server'],
    ['lindex', key, 0],
    ['llen', key],
    ['lpop', key],
    ['lpos', key, 'v'],
    ['lpush', key, 'v'],
    ['lrange', key, 0, 0],
    ['lrem', key, 1, 'v'],
    ['lset', key, 0, 'v'],
    ['ltrim', key, 0, 0],
    ['memory', 'USAGE', key],
    ['mget', key],
    ['persist', none],
    ['pexpire', none, 1],
    ['pexpireat', none, 1],
    ['ping'],
    ['pttl', key],
    ['rename', none, none],
    ['rpop', key],
    ['rpoplpush', key, key],
    ['rpush', key, 'v'],
    ['sadd', key, 'v'],
    ['scard', key],
    ['set', key, 'v', 'NX', 'GET', 'XX'],
    ['sismember', key, 'v'],
    ['smembers', key],
    ['smismember', key, 'v'],
    ['srem', key, 'v'],
    ['sscan', key, 0],
    ['time'],
    ['type', key],
    ['xadd', key, '*', 'f', 'v'],
    ['xdel', key, '0-1'],
    ['xlen', key],
    ['xrange', key, '-', '+', 'COUNT', 1],
    ['xread', 'COUNT', 1, 'STREAMS', key, '0'],
    ['xrevrange', key, '+', '-', 'COUNT', 1],
    ['xtrim', key, 'MAXLEN', 1],
    ['zadd', key, 1, 'v'],
    ['zcard', key],
    ['zcount', key, 0, 1],
    ['zmscore', key, 'v'],
    ['zpopmin', key],
    ['zrange', key, 0, 0],
    ['zrangebylex', key, '-', '+'],
    ['zrangebyscore', key, 0, 1],
    ['zrem', key, 'v'],
    ['zremrangebyrank', key, 0, 0],
    ['zremrangebyscore', key, 0, 1],
    ['zrevrange', key, 0, 0],
    ['zrevrangebyscore', key, 1, 0],
    ['zscore', key, 'v'],
  ];
}

// Each needs a connection of its own, or a state. CLIENT SETINFO, which ioredis does without, stops a Redis before 7.2.
const connectionCommands = [
  'auth',
  'client|list',
  'discard',
  'exec',
  'hello',
  'multi',
  'publish',
  'quit',
  'select',
  'subscribe',
  'unsubscribe',
];
const subcommands: Record<string, string> = { client: 'client|setname', memory: 'memory|usage' };

/** The lines of a Redis ACL file: nobody but `holdfast`, who has no password yet and may do what is needed, no more. */
export function redisUsers(prefix: string): string {
  const sent = harmless('').map(([command]) => subcommands[command] ?? command);
  const commands = [...sent, ...connectionCommands].toSorted().map((command) => `+${command}`);
  const holdfast = ['on', 'resetpass', `~${prefix}:*`, 'resetchannels', `&${prefix}:holdfast:*`, '-@all'];
  return `user default off\nuser holdfast ${[...holdfast, ...commands].join(' ')}\n`;
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
