import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import type { Settings } from '../../config/settings';

/**
 * The kinds of connection.
 * `producer` fails fast because a caller waits; `worker` outlives any outage; `admin` allows long commands;
 * `subscriber` hears what other processes call out.
 */
export type ConnectionKind = 'producer' | 'worker' | 'admin' | 'subscriber';

// A connection that Redis left would keep a stopping process alive for ioredis' two seconds.
const disconnectTimeout = 200;

const retryStrategy = (attempt: number): number => Math.min(100 * attempt, 2_000);

// Without skipWaitingForReady (queue.module.ts) and these four, an add hangs while Redis is away or frozen.
const producer: RedisOptions = {
  maxRetriesPerRequest: 1,
  commandTimeout: 2_000,
  connectTimeout: 2_000,
  disconnectTimeout,
  retryStrategy,
};

// BullMQ blocks 10 s at most; a socket silent for longer than 30 s is half open and must be replaced.
const worker: RedisOptions = {
  maxRetriesPerRequest: null,
  keepAlive: 5_000,
  socketTimeout: 30_000,
  connectTimeout: 2_000,
  disconnectTimeout,
  retryStrategy,
};

// Nothing may be called out for hours, so that silence says nothing about the socket.
const { socketTimeout: _silence, ...subscriber } = worker;

const admin: RedisOptions = { ...producer, commandTimeout: 30_000 };

export const connectionProfiles: Record<ConnectionKind, RedisOptions> = {
  producer,
  worker,
  admin,
  subscriber,
};

export type RedisTarget =
  | { readonly kind: 'single'; readonly options: RedisOptions }
  | { readonly kind: 'cluster'; readonly nodes: ClusterNode[]; readonly options: ClusterOptions };

function hostPorts(list: string): { host: string; port: number }[] {
  return list.split(',').map((entry) => {
    const at = entry.lastIndexOf(':');
    return { host: entry.slice(0, at), port: Number(entry.slice(at + 1)) };
  });
}

function parseUrl(url: string): RedisOptions {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const db = pathname.length > 1 ? Number(pathname.slice(1)) : undefined;
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 6379 : Number(port),
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(db !== undefined && { db }),
    ...(protocol === 'rediss:' && { tls: { servername: hostname } }),
  };
}

function parts(settings: Settings): RedisOptions {
  return {
    host: settings.REDIS_HOST ?? '127.0.0.1',
    port: settings.REDIS_PORT,
    db: settings.REDIS_DB,
    ...credentials(settings),
    ...(settings.REDIS_TLS && { tls: { servername: settings.REDIS_HOST ?? 'localhost' } }),
  };
}

function credentials(settings: Settings): RedisOptions {
  return {
    ...(settings.REDIS_USERNAME !== undefined && { username: settings.REDIS_USERNAME }),
    ...(settings.REDIS_PASSWORD !== undefined && { password: settings.REDIS_PASSWORD }),
  };
}

/** Where Redis is, from whichever way the settings name it, with the options of one kind of connection. */
export function redisTarget(settings: Settings, kind: ConnectionKind): RedisTarget {
  const profile = { ...connectionProfiles[kind], connectionName: `holdfast:${kind}` };
  const tls = settings.REDIS_TLS ? { tls: {} } : {};
  if (settings.REDIS_CLUSTER_NODES !== undefined) {
    return {
      kind: 'cluster',
      nodes: hostPorts(settings.REDIS_CLUSTER_NODES),
      options: {
        redisOptions: { ...profile, ...credentials(settings), ...tls },
        clusterRetryStrategy: retryStrategy,
      },
    };
  }
  if (settings.REDIS_SENTINELS !== undefined) {
    return {
      kind: 'single',
      options: {
        ...profile,
        ...credentials(settings),
        ...tls,
        sentinels: hostPorts(settings.REDIS_SENTINELS),
        name: settings.REDIS_SENTINEL_NAME,
        db: settings.REDIS_DB,
        ...(settings.REDIS_SENTINEL_PASSWORD !== undefined && {
          sentinelPassword: settings.REDIS_SENTINEL_PASSWORD,
        }),
      },
    };
  }
  const place = settings.REDIS_URL === undefined ? parts(settings) : parseUrl(settings.REDIS_URL);
  return { kind: 'single', options: { ...profile, ...place } };
}
