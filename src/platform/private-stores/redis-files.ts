import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisAccess } from './redis-access';
import { readState, saveState } from './saved-state';

const maxLogBytes = 5 * 1024 * 1024;

/** The files of one private Redis: <home>/redis/{access.json,redis.conf,redis.log,redis.pid,data/}. */
export class RedisFiles {
  readonly directory: string;
  readonly data: string;
  readonly config: string;
  readonly log: string;
  private readonly accessFile: string;
  private readonly pidFile: string;

  constructor(home: string) {
    this.directory = join(home, 'redis');
    this.data = join(this.directory, 'data');
    this.config = join(this.directory, 'redis.conf');
    this.log = join(this.directory, 'redis.log');
    this.accessFile = join(this.directory, 'access.json');
    this.pidFile = join(this.directory, 'redis.pid');
  }

  readAccess(): RedisAccess | undefined {
    return readState<RedisAccess>(this.accessFile, ['port', 'password']);
  }

  /** Zero when the server has left no process id. */
  readPid(): number {
    try {
      return Number(readFileSync(this.pidFile, 'utf8'));
    } catch {
      return 0;
    }
  }

  /** Keeps port and password for the next run and writes the server's configuration, both for the owner alone. */
  writeConfiguration(access: RedisAccess, version: string): void {
    saveState(this.accessFile, access);
    // Redis 7 renamed the setting; job hashes with values up to this length stay packed.
    const packed = Number.parseInt(version, 10) >= 7 ? 'hash-max-listpack-value' : 'hash-max-ziplist-value';
    const lines = [
      'bind 127.0.0.1',
      `port ${access.port}`,
      `requirepass ${access.password}`,
      'daemonize no',
      `dir ${JSON.stringify(this.data)}`,
      `pidfile ${JSON.stringify(this.pidFile)}`,
      `logfile ${JSON.stringify(this.log)}`,
      'appendonly yes',
      'appendfsync everysec',
      'aof-load-truncated yes',
      'save ""',
      'maxmemory-policy noeviction',
      `${packed} 512`,
    ];
    writeFileSync(this.config, `${lines.join('\n')}\n`, { mode: 0o600 });
  }

  /** Keeps one old log; Redis itself never cuts it. */
  setLongLogAside(): void {
    try {
      if (statSync(this.log).size > maxLogBytes) renameSync(this.log, `${this.log}.old`);
    } catch {
      return;
    }
  }
}
