import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpOrExit } from './setup.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const connectDeadlineMs = 5_000;

/** Redis cannot be asked; the message is one sentence with the way out. */
export class NoRedisError extends Error {
  name = 'NoRedisError';
}

/** Our own modules, built; an older build serves as well, because settings and connections hardly change. */
async function load() {
  if (existsSync(join(root, '.env'))) process.loadEnvFile(join(root, '.env'));
  if (!existsSync(join(root, 'dist', 'config', 'read-settings.js'))) {
    await setUpOrExit({ build: true, redis: false, say: (line) => console.error(line) });
  }
  const require = createRequire(join(root, 'dist', 'main.js'));
  require('reflect-metadata');
  return {
    ...require('ioredis'),
    ...require('./config/read-settings.js'),
    ...require('./platform/redis/redis-options.js'),
    ...require('./platform/redis/key-space.js'),
    ...require('./platform/private-stores/redis-files.js'),
  };
}

/** The private Redis is only looked for, never started: that is the server's affair. */
function findPrivateRedis(settings, RedisFiles) {
  const access = new RedisFiles(settings.home).readAccess();
  if (access === undefined) {
    throw new NoRedisError(
      `${settings.home} has no private Redis yet: start the server with npm start, or set REDIS_URL.`,
    );
  }
  settings.REDIS_URL = `redis://:${access.password}@127.0.0.1:${access.port}`;
  return { name: `The private Redis of ${settings.home}`, wayOut: 'start the server with npm start' };
}

function describe({ kind, nodes, options }) {
  const places = kind === 'cluster' ? nodes : (options.sentinels ?? [options]);
  const addresses = places.map(({ host, port }) => `${host}:${port}`);
  return { name: `Redis at ${addresses.join(', ')}`, wayOut: 'start it, or correct the settings' };
}

async function connect({ Cluster, Redis }, target, { name, wayOut }) {
  const client =
    target.kind === 'cluster' ? new Cluster(target.nodes, target.options) : new Redis(target.options);
  try {
    await once(client, 'ready', { signal: AbortSignal.timeout(connectDeadlineMs) });
  } catch (error) {
    client.disconnect();
    const reason =
      error.name === 'AbortError' ? `no answer within ${connectDeadlineMs / 1000} s` : error.message;
    throw new NoRedisError(`${name} cannot be used (${reason}): ${wayOut}.`);
  }
  // What goes wrong from now on reaches whoever sent the command.
  client.on('error', () => undefined);
  return client;
}

/** Asks the Redis that the server would use; whatever stops it is one sentence and exit code 1. */
export async function askRedis(ask) {
  let client;
  try {
    const modules = await load();
    const settings = modules.readSettings(process.env);
    const privateRedis = settings.hasRedis ? undefined : findPrivateRedis(settings, modules.RedisFiles);
    const target = modules.redisTarget(settings, 'producer');
    client = await connect(modules, target, privateRedis ?? describe(target));
    await ask(client, { ...modules, settings });
  } catch (error) {
    const isOurs = ['NoRedisError', 'SettingsError'].includes(error.name);
    console.error(isOurs ? error.message : `Redis did not do what was asked: ${error.message}`);
    process.exitCode = 1;
  } finally {
    client?.disconnect();
  }
}
