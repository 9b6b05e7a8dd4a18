import { Redis } from 'ioredis';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { withHomeLock } from '../../../src/platform/private-stores/home-lock';
import { openPrivateStores, stopUnusedStores } from '../../../src/platform/private-stores/private-stores';
import type { PrivateStores } from '../../../src/platform/private-stores/private-stores';
import { eventually } from '../../support/eventually';
import { compilePrivateStores, startStoresUser } from '../../support/private-stores-user';

// Ten times and more of what a restart took here.
const restartGuardMs = 15_000;

async function inRedis<T>(url: string | undefined, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url ?? '', {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    // Its timer outlives a refused connection and would keep the worker of Jest alive.
    disconnectTimeout: 100,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

async function inDatabase(url: string | undefined, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

describe('private stores', () => {
  const compiled = compilePrivateStores();
  const opened: PrivateStores[] = [];
  const lines: string[] = [];
  const makeHome = () => {
    const made = mkdtempSync(join(tmpdir(), 'holdfast-stores-'));
    chmodSync(made, 0o711);
    return made;
  };
  let template: string;
  let home: string;

  const open = async (redis: boolean, database: boolean): Promise<PrivateStores> => {
    const stores = await openPrivateStores({ home, redis, database, log: (line) => lines.push(line) });
    opened.push(stores);
    return stores;
  };
  const redisPid = () => Number(readFileSync(join(home, 'redis/redis.pid'), 'utf8'));
  const data = () => join(home, 'postgres/cluster/data');
  const postgresPid = () => Number.parseInt(readFileSync(join(data(), 'postmaster.pid'), 'utf8'), 10);

  // Creating a database takes seconds on a busy disk: one is made, each test begins with a copy of it.
  beforeAll(async () => {
    template = makeHome();
    const options = { home: template, redis: true, database: true, log: () => undefined };
    await (await openPrivateStores(options)).close();
  });

  beforeEach(() => {
    home = makeHome();
    // Node's own copying does not keep the owner, whom PostgreSQL checks.
    execFileSync('cp', ['-a', `${template}/.`, home]);
    lines.length = 0;
  });

  afterEach(async () => {
    for (const stores of opened.splice(0)) await stores.close();
    await stopUnusedStores(home);
    rmSync(home, { recursive: true, force: true });
  });

  afterAll(() => {
    compiled.remove();
    rmSync(template, { recursive: true, force: true });
  });

  it('start with settings under which acknowledged jobs and commits survive', async () => {
    const { redisUrl, databaseUrl } = await open(true, true);
    const settings = await inRedis(redisUrl, (redis) =>
      redis.config('GET', 'appendonly', 'maxmemory-policy', 'bind'),
    );
    expect(settings).toEqual(
      expect.arrayContaining(['appendonly', 'yes', 'maxmemory-policy', 'noeviction', 'bind', '127.0.0.1']),
    );
    const names = ['fsync', 'synchronous_commit', 'listen_addresses', 'server_encoding', 'full_page_writes'];
    const rows = await inDatabase(
      databaseUrl,
      `SELECT name, setting FROM pg_settings WHERE name = ANY('{${names.join()}}')`,
    );
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      listen_addresses: '127.0.0.1',
      server_encoding: 'UTF8',
      full_page_writes: 'on',
    });
  });

  it('let nobody in without the password', async () => {
    const { redisUrl, databaseUrl } = await open(true, true);
    const stranger = (url: string | undefined) => {
      const changed = new URL(url ?? '');
      changed.password = 'guessed';
      return changed.href;
    };
    await expect(inRedis(stranger(redisUrl), (redis) => redis.get('x'))).rejects.toThrow();
    await expect(inDatabase(stranger(databaseUrl), 'SELECT 1')).rejects.toThrow(/password/);
  });

  it('write no value of a failed statement to the log of the database', async () => {
    const { databaseUrl } = await open(false, true);
    const secret = randomBytes(8).toString('hex');
    await expect(inDatabase(databaseUrl, `SELECT '${secret}'::integer`)).rejects.toThrow(secret);
    expect(readFileSync(join(home, 'postgres/cluster/postgres.log'), 'utf8')).not.toContain(secret);
  });

  it('keep address and data from one run to the next', async () => {
    const first = await open(true, true);
    await inRedis(first.redisUrl, (redis) => redis.set('kept', 'yes'));
    await inDatabase(first.databaseUrl, 'CREATE TABLE kept AS SELECT 1 AS one');
    await first.close();
    await expect(inRedis(first.redisUrl, (redis) => redis.ping())).rejects.toThrow();
    await expect(inDatabase(first.databaseUrl, 'SELECT 1')).rejects.toThrow();

    const second = await open(true, true);
    expect([second.redisUrl, second.databaseUrl]).toEqual([first.redisUrl, first.databaseUrl]);
    expect(await inRedis(second.redisUrl, (redis) => redis.get('kept'))).toBe('yes');
    expect(await inDatabase(second.databaseUrl, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  });

  it('are shared by processes of one home and stopped by the last one out', async () => {
    const options = { home, redis: true, database: true };
    const [first, second] = await Promise.all([
      startStoresUser(compiled.directory, options),
      startStoresUser(compiled.directory, options),
    ]);
    expect(first.error ?? second.error).toBeUndefined();
    expect([first.redisUrl, first.databaseUrl]).toEqual([second.redisUrl, second.databaseUrl]);
    await first.leave();
    expect(await inRedis(second.redisUrl, (redis) => redis.ping())).toBe('PONG');
    expect(await inDatabase(second.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await second.leave();
    await expect(inRedis(second.redisUrl, (redis) => redis.ping())).rejects.toThrow();
    await expect(inDatabase(second.databaseUrl, 'SELECT 1')).rejects.toThrow();
  });

  it('survive the Ctrl-C and the kill -9 of their user, and are adopted by the next one', async () => {
    const user = await startStoresUser(compiled.directory, { home, redis: true, database: true });
    const pids = [redisPid(), postgresPid()];
    user.interruptGroup();
    await user.kill('SIGKILL');
    const next = await open(true, true);
    expect([next.redisUrl, next.databaseUrl]).toEqual([user.redisUrl, user.databaseUrl]);
    expect([redisPid(), postgresPid()]).toEqual(pids);
    expect(lines.filter((line) => line.includes('adopted'))).toHaveLength(2);
    await next.close();
    await expect(inRedis(next.redisUrl, (redis) => redis.ping())).rejects.toThrow();
  });

  it('bring a killed Redis back on its address with its data', async () => {
    const { redisUrl } = await open(true, false);
    await inRedis(redisUrl, (redis) => redis.set('kept', 'yes'));
    // The append-only file is written before the reply and synced each second; a killed process loses nothing.
    process.kill(redisPid(), 'SIGKILL');
    await eventually(async () => {
      expect(await inRedis(redisUrl, (redis) => redis.get('kept'))).toBe('yes');
      expect(lines.filter((line) => line.includes('had died'))).toHaveLength(1);
    }, restartGuardMs);
  });

  it('bring a killed PostgreSQL back on its address with its data', async () => {
    const { databaseUrl } = await open(false, true);
    await inDatabase(databaseUrl, 'CREATE TABLE kept AS SELECT 1 AS one');
    process.kill(postgresPid(), 'SIGKILL');
    await eventually(async () => {
      expect(await inDatabase(databaseUrl, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
      expect(lines.filter((line) => line.includes('had died'))).toHaveLength(1);
    }, restartGuardMs);
  });

  it('are restarted once, by one of several users', async () => {
    const first = await open(true, false);
    await open(true, false);
    process.kill(redisPid(), 'SIGKILL');
    await eventually(async () => {
      expect(await inRedis(first.redisUrl, (redis) => redis.ping())).toBe('PONG');
      expect(lines.filter((line) => line.includes('had died'))).toHaveLength(1);
    }, restartGuardMs);
  });

  it('load an append-only file whose end was torn off', async () => {
    const first = await open(true, false);
    await inRedis(first.redisUrl, (redis) => redis.set('kept', 'yes'));
    await first.close();
    const directory = join(home, 'redis/data/appendonlydir');
    const file = readdirSync(directory).find((name) => name.endsWith('.incr.aof')) ?? '';
    appendFileSync(join(directory, file), '*3\r\n$3\r\nSET\r\n$4\r\nto');
    const second = await open(true, false);
    expect(await inRedis(second.redisUrl, (redis) => redis.get('kept'))).toBe('yes');
  });

  it('start over from a creation of the database that was cut off', async () => {
    rmSync(data(), { recursive: true });
    mkdirSync(join(home, 'postgres/cluster/data.new/base'), { recursive: true });
    writeFileSync(join(home, 'postgres/cluster/data.new/PG_VERSION'), '18\n');
    const { databaseUrl } = await open(false, true);
    expect(await inDatabase(databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(home, 'postgres/cluster/data.new'))).toBe(false);
  });

  it('are not fooled by a postmaster.pid whose number belongs to a stranger now', async () => {
    const first = await open(false, true);
    await inDatabase(first.databaseUrl, 'CREATE TABLE kept AS SELECT 1 AS one');
    await first.close();
    writeFileSync(
      join(data(), 'postmaster.pid'),
      `${process.pid}\n${data()}\n1\n5432\n\n127.0.0.1\n\nready   \n`,
    );
    const second = await open(false, true);
    expect(await inDatabase(second.databaseUrl, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  });

  it('give a new password when the file with the old one is lost, also while the servers run', async () => {
    const user = await startStoresUser(compiled.directory, { home, redis: true, database: true });
    await inRedis(user.redisUrl, (redis) => redis.set('kept', 'yes'));
    await inDatabase(user.databaseUrl, 'CREATE TABLE kept AS SELECT 1 AS one');
    await user.kill('SIGKILL');
    for (const store of ['redis', 'postgres']) rmSync(join(home, store, 'access.json'));
    const next = await open(true, true);
    expect(next.redisUrl).not.toBe(user.redisUrl);
    expect(await inRedis(next.redisUrl, (redis) => redis.get('kept'))).toBe('yes');
    expect(await inDatabase(next.databaseUrl, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  });

  it('take over the lock and the place of users that died', async () => {
    const dead = JSON.stringify({ pid: process.pid, beganAt: 'before' });
    writeFileSync(join(home, 'private-stores.users/1-1.json'), dead);
    writeFileSync(join(home, 'private-stores.lock'), dead);
    const stores = await open(true, false);
    await stores.close();
    await expect(inRedis(stores.redisUrl, (redis) => redis.ping())).rejects.toThrow();
  });

  it('move to another port when a stranger has taken theirs meanwhile', async () => {
    const first = await open(true, false);
    await first.close();
    const stranger = createServer();
    await listen(stranger, Number(new URL(first.redisUrl ?? '').port));
    const second = await open(true, false);
    expect(second.redisUrl).not.toBe(first.redisUrl);
    expect(await inRedis(second.redisUrl, (redis) => redis.ping())).toBe('PONG');
    await new Promise((closed) => stranger.close(closed));
  });

  it('wait for their address when a stranger took it in the moment of their death', async () => {
    const { redisUrl } = await open(true, false);
    const stranger = createServer();
    // Under the lock nobody restarts anything, so the stranger comes first.
    await withHomeLock(realpathSync(home), async () => {
      process.kill(redisPid(), 'SIGKILL');
      await eventually(
        async () => await listen(stranger, Number(new URL(redisUrl ?? '').port)),
        restartGuardMs,
      );
    });
    await eventually(() => expect(lines.join()).toMatch(/Another program has taken port/), restartGuardMs);
    await new Promise((closed) => stranger.close(closed));
    await eventually(
      async () => expect(await inRedis(redisUrl, (redis) => redis.ping())).toBe('PONG'),
      restartGuardMs,
    );
  });

  it('show the end of the log when a store cannot load its data', async () => {
    const first = await open(true, false);
    await inRedis(first.redisUrl, (redis) => redis.set('kept', 'yes'));
    await first.close();
    const directory = join(home, 'redis/data/appendonlydir');
    const file = readdirSync(directory).find((name) => name.endsWith('.incr.aof')) ?? '';
    writeFileSync(join(directory, file), 'no append-only file\r\n');
    await expect(open(true, false)).rejects.toThrow(/ended at once[^]*Bad file format/);
  });

  it('say in one sentence what to do when the data directory cannot be used', async () => {
    const file = join(home, 'a-file');
    writeFileSync(file, '');
    const opening = openPrivateStores({
      home: join(file, 'home'),
      redis: true,
      database: false,
      log: () => undefined,
    });
    await expect(opening).rejects.toThrow(/HOLDFAST_HOME/);
  });
});
