import { Redis } from 'ioredis';

/** Where a private Redis listens on 127.0.0.1, and its password. */
export interface RedisAccess {
  port: number;
  password: string;
}

export type RedisAnswer = 'ready' | 'loading' | 'wrong password' | 'nothing';

const answerDeadlineMs = 2_000;

/** One short conversation; what went wrong comes back as text, because a silent server is an answer here. */
async function talk(
  access: RedisAccess,
  command: [string, ...string[]],
): Promise<{ said?: string; failed?: string }> {
  const client = new Redis({
    host: '127.0.0.1',
    port: access.port,
    password: access.password,
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: answerDeadlineMs,
    // ioredis 6 waits for this even when the connection is gone, and keeps the process alive meanwhile.
    disconnectTimeout: 100,
    commandTimeout: answerDeadlineMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let failed: string | undefined;
  client.on('error', (error) => (failed ??= String(error)));
  try {
    await client.connect();
    return { said: String(await client.call(...command)) };
  } catch (error) {
    return { failed: failed ?? String(error) };
  } finally {
    client.disconnect();
  }
}

/** Asks within some seconds whether the server takes our password and has loaded its data. */
export async function askRedis(access: RedisAccess): Promise<RedisAnswer> {
  const { said, failed } = await talk(access, ['INFO', 'persistence']);
  if (said !== undefined) return /^loading:1/m.test(said) ? 'loading' : 'ready';
  return /WRONGPASS|NOAUTH|invalid password/i.test(failed ?? '') ? 'wrong password' : 'nothing';
}

/** Asks the server to write its append-only file to disk and to end; it cuts the connection instead of answering. */
export async function shutDownRedis(access: RedisAccess): Promise<void> {
  await talk(access, ['SHUTDOWN']);
}
