import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../../src/platform/private-stores/free-port';
import { findRedisProgram } from '../../src/platform/private-stores/redis-program';
import { eventually } from './eventually';

// A sync to a busy disk makes Redis hold back writes it has acknowledged already, for up to two seconds
// (appendfsync everysec); in memory a sync takes no time, and a kill -9 finds all of them in the file.
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const startDeadlineMs = 20_000;

/** A redis-server of the test's own: killed, frozen and started again on the same port with the same data. */
export class RedisProcess {
  private child?: ChildProcess;

  private constructor(
    readonly port: number,
    readonly directory: string,
    private readonly isDefault: boolean,
    private readonly isCluster: boolean,
  ) {}

  /**
   * Chooses port and directory, but starts nothing yet. The default one runs as it comes out of its package; one that
   * is a Cluster has all slots, and refuses what reaches into two of them as any Cluster does.
   */
  static async prepare({ isDefault = false, isCluster = false } = {}): Promise<RedisProcess> {
    const directory = await mkdtemp(join(scratch, 'holdfast-redis-'));
    return new RedisProcess(await findFreePort(), directory, isDefault, isCluster);
  }

  static async start(): Promise<RedisProcess> {
    const redis = await RedisProcess.prepare();
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Append-only with a sync each second, as Holdfast's own; resolves when commands are answered. */
  async start(): Promise<void> {
    const { file, env } = await findRedisProgram(this.directory);
    const place = { bind: '127.0.0.1', port: this.port, dir: this.directory };
    const others = {
      appendonly: 'yes',
      appendfsync: 'everysec',
      save: '',
      'maxmemory-policy': 'noeviction',
    };
    const cluster = {
      'cluster-enabled': 'yes',
      'cluster-announce-ip': '127.0.0.1',
      // As a rule ten thousand above the other, which is more than there may be ports.
      'cluster-port': await findFreePort(),
    };
    const given = { ...place, ...(!this.isDefault && others), ...(this.isCluster && cluster) };
    const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    this.child = spawn(file, args, { env, cwd: this.directory, stdio: 'ignore' });
    // A test that breaks off must not keep Jest waiting.
    this.child.unref();
    await eventually(
      async () => expect(await this.query((client) => client.ping())).toBe('PONG'),
      startDeadlineMs,
    );
    if (this.isCluster) await this.query((client) => takeAllSlots(client));
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }

  /** Connections stay open and nothing is answered until {@link thaw}. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  /** Asks over a connection of its own. */
  async query<T>(ask: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.url, {
      lazyConnect: true,
      retryStrategy: () => null,
      commandTimeout: 5_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await ask(client);
    } finally {
      client.disconnect();
    }
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function takeAllSlots(client: Redis): Promise<void> {
  const info = () => client.call('CLUSTER', 'INFO') as Promise<string>;
  if (!(await info()).includes('cluster_slots_assigned:16384')) {
    await client.call('CLUSTER', 'ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => String(slot)));
  }
  await eventually(async () => expect(await info()).toContain('cluster_state:ok'), startDeadlineMs);
}
