import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerChild } from './server-child.mjs';
import { ValidationClient } from './validation-client.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const stopDeadlineMs = 60_000;

/** One API process and one worker process that share a home with private stores. */
export class TortureCrew {
  constructor(home) {
    this.home = home;
  }

  async start() {
    this.api = this.launch('api');
    this.client = new ValidationClient((await this.api.ready()).replace('localhost', '127.0.0.1'));
    await this.startWorker();
  }

  /** Where the private PostgreSQL of the home is; it is only looked at. */
  async databaseUrl() {
    const { PrivatePostgres } = this.require('private-postgres');
    const postgres = new PrivatePostgres(this.home);
    await postgres.ensure({ keepPort: true });
    return postgres.url;
  }

  async startWorker() {
    this.worker = this.launch('worker');
    await this.worker.ready();
  }

  /** Throws when a process ended that nobody had killed; a worker is replaced, so that the next run has one. */
  async assertAlive() {
    for (const child of [this.api, this.worker]) {
      const { exitCode, signalCode } = child.process;
      if (exitCode === null && signalCode === null) continue;
      if (child === this.worker) await this.startWorker();
      throw new Error(`a process ended by itself (${exitCode ?? signalCode}): ${child.lastLines(30)}`);
    }
  }

  async killWorker() {
    this.worker.process.kill('SIGKILL');
    await this.worker.ended;
  }

  /** Kills the private Redis; the processes of the home start it again on the same port. */
  killRedis() {
    const { RedisFiles } = this.require('redis-files');
    process.kill(new RedisFiles(this.home).readPid(), 'SIGKILL');
  }

  /** Kills the private PostgreSQL, which is started again in the same way and recovers. */
  async killDatabase() {
    const { findPostgresPlace } = this.require('postgres-place');
    const { directory } = await findPostgresPlace(this.home);
    const pidFile = await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8');
    process.kill(Number.parseInt(pidFile, 10), 'SIGKILL');
  }

  /** Ends both in the polite way and names those that did not end with exit code 0. */
  async stop() {
    const crew = { worker: this.worker, api: this.api };
    const complaints = [];
    for (const [role, child] of Object.entries(crew)) {
      if (child === undefined) continue;
      const code = await child.stop('SIGTERM', stopDeadlineMs);
      if (code !== 0) complaints.push(`The ${role} ended with exit code ${code}: ${child.lastLines(30)}`);
    }
    return complaints;
  }

  launch(role) {
    const settings = { NODE_ENV: 'test', ROLE: role, PORT: '0', LOG_LEVEL: 'warn', HOLDFAST_HOME: this.home };
    return new ServerChild(settings, { log: join(this.home, `${role}.log`), cwd: this.home });
  }

  require(name) {
    return createRequire(import.meta.url)(join(root, 'dist', 'platform', 'private-stores', `${name}.js`));
  }
}
