import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from '../support/database';
import { PostgresProcess } from '../support/postgres-process';
import { ServerProcess } from '../support/process';
import { RedisProcess } from '../support/redis-process';
import { ApiClient } from './api-client';

export interface StartedServer {
  readonly server: ServerProcess;
  readonly api: ApiClient;
}

/** What one fault test needs: stores of its own to break, a data directory, and servers that use them. */
export class FaultScene {
  home = '';
  databaseUrl = '';
  redis!: RedisProcess;
  postgres?: PostgresProcess;
  private readonly undo: (() => Promise<void>)[] = [];
  private readonly servers = new Set<ServerProcess>();

  /** An own PostgreSQL costs seconds: without it the scene has a database of its own on the suite's server. */
  async open({ isRedisUp = true, isPostgresOwn = false, hasDefaultRedis = false } = {}): Promise<void> {
    this.home = await mkdtemp(join(tmpdir(), 'holdfast-fault-'));
    // Under root PostgreSQL runs as another user, who has to pass through.
    await chmod(this.home, 0o711);
    this.undo.push(() => rm(this.home, { recursive: true, force: true }));
    const redis = await RedisProcess.prepare({ isDefault: hasDefaultRedis });
    this.redis = redis;
    this.undo.push(() => redis.remove());
    if (isRedisUp) await redis.start();
    await (isPostgresOwn ? this.openPostgres() : this.openDatabase());
  }

  /** Starts the server that ships, or another program, on the stores of this scene. */
  async start(settings: Record<string, string> = {}, program?: string): Promise<StartedServer> {
    const places = {
      HOLDFAST_HOME: this.home,
      REDIS_URL: this.redis.url,
      DATABASE_URL: this.databaseUrl,
    };
    const server = new ServerProcess({ ...places, ...settings }, program);
    this.servers.add(server);
    await server.ready();
    return { server, api: new ApiClient(server.url) };
  }

  /** Ends what still runs, whatever the test has left of it. */
  async close(): Promise<void> {
    await Promise.all([...this.servers].map((server) => server.kill()));
    for (const step of this.undo.splice(0).toReversed()) await step();
  }

  private async openPostgres(): Promise<void> {
    const postgres = await PostgresProcess.start();
    this.postgres = postgres;
    this.databaseUrl = postgres.url;
    this.undo.push(() => postgres.remove());
  }

  private async openDatabase(): Promise<void> {
    const database = await createTestDatabase();
    this.databaseUrl = database.url;
    this.undo.push(() => database.drop());
  }
}
