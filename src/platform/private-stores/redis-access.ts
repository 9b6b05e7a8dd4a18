import { Redis } from 'ioredis';

/** Where a private Redis listens on 127.0.0.1, and its password. */
export interface RedisAccess {
  port: number;
  password: string;
}

export type RedisAnswer = 'ready' | 'loading' | 'wrong password' | 'nothing';

const answerDeadlineMs = 2_000;

/** One short conversation; what went wrong is returned, because a silent server is an answer here. */
async function talk<T>(access: RedisAccess, conversation: (client: Redis) => Promise<T>): Promise<T | Error> {
  const client = new Redis({
    host: '127.0.0.1',
    port: access.port,
    password: access.password,
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: answerDeadlineMs,
    commandTimeout: answerDeadlineMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let failure: Error | undefined;
  client.on('error', (error) => (failure ??= error));
  try {
    await client.connect();
    return await conversation(client);
  } catch (error) {
    return failure ?? (error instanceof Error ? error : new Error(String(error)));
  } finally {
    client.disconnect();
  }
}

/** Asks within 2 s whether the server takes our password and has loaded its data. */
export async function askRedis(access: RedisAccess): Promise<RedisAnswer> {
  const told = await talk(access, async (client) => String(await client.call('INFO', 'persistence')));
  if (!(told instanceof Error)) return /^loading:1/m.test(told) ? 'loading' : 'ready';
  return /WRONGPASS|NOAUTH|invalid password/i.test(told.message) ? 'wrong password' : 'nothing';
}

/** Asks the server to write its append-only file to disk and to end; it cuts the connection instead of answering. */
export async function shutDownRedis(access: RedisAccess): Promise<void> {
  await talk(access, async (client) => await client.call('SHUTDOWN'));
}
