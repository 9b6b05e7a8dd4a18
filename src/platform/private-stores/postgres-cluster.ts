import { chownSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownName } from './postgres-access';
import type { PostgresPlace } from './postgres-place';
import type { PostgresProgram } from './postgres-program';
import { PrivateStoreError } from './private-store-error';
import { processesIn } from './process-identity';
import type { ProcessIdentity } from './process-identity';
import { lastLines, runProgram } from './run-program';
import type { ProgramOptions, ProgramResult } from './run-program';

const initialiseDeadlineMs = 120_000;
// Recovery after a crash replays up to max_wal_size.
const startDeadlineMs = 90_000;
const stopDeadlineMs = 30_000;
const maxLogBytes = 5 * 1024 * 1024;

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: "''",
  password_encryption: 'scram-sha-256',
  wal_level: 'minimal',
  max_wal_senders: '0',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // Statements and their errors may hold values of a caller's rows: they never reach this log.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
};

/** Drives initdb and pg_ctl on one cluster directory; every call ends within its deadline with the log in the error. */
export class PostgresCluster {
  readonly log: string;
  private readonly data: string;

  constructor(
    private readonly place: PostgresPlace,
    private readonly program: PostgresProgram,
  ) {
    this.data = join(place.directory, 'data');
    this.log = join(place.directory, 'postgres.log');
  }

  exists(): boolean {
    return existsSync(join(this.data, 'PG_VERSION'));
  }

  /** The postmaster when it lives: its file counts only when the process behind it really works in this cluster. */
  postmaster(): ProcessIdentity | undefined {
    const pid = this.postmasterPid();
    return processesIn(this.data, /^postgres/, pid).find((found) => found.pid === pid);
  }

  /** Builds the cluster beside its place and moves it there when it is whole, so that a half-made one never counts. */
  async initialise(password: string): Promise<void> {
    const draft = join(this.place.directory, 'data.new');
    const passwordFile = join(this.place.directory, 'password.new');
    for (const path of [draft, passwordFile, this.data]) rmSync(path, { recursive: true, force: true });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    const { account } = this.place;
    if (account !== undefined) chownSync(passwordFile, account.uid, account.gid);
    const who = ['--username', ownName, '--auth', 'scram-sha-256', '--pwfile', passwordFile];
    const how = ['--encoding', 'UTF8', '--no-locale', '--no-instructions'];
    const made = await this.run(
      this.program.initdb,
      ['--pgdata', draft, ...who, ...how],
      initialiseDeadlineMs,
    );
    rmSync(passwordFile, { force: true });
    if (made.code !== 0) throw this.failure('could not be created', made);
    renameSync(draft, this.data);
  }

  async start(port: number): Promise<void> {
    this.clearLeftovers();
    const flags = Object.entries({ ...settings, port }).map(([name, value]) => `-c ${name}=${value}`);
    const started = await this.run(
      this.program.pgCtl,
      [
        'start',
        '--pgdata',
        this.data,
        '--log',
        this.log,
        '--wait',
        '--timeout',
        seconds(startDeadlineMs),
        '--options',
        flags.join(' '),
      ],
      startDeadlineMs + 5_000,
    );
    if (started.code !== 0) throw this.failure('did not start', started);
  }

  /** Tries the clean way, then the one that recovers at the next start. */
  async stop(): Promise<void> {
    if (this.postmaster() === undefined) return;
    let result: ProgramResult = { code: 1, output: '' };
    for (const mode of ['fast', 'immediate']) {
      const args = [
        'stop',
        '--pgdata',
        this.data,
        '--mode',
        mode,
        '--wait',
        '--timeout',
        seconds(stopDeadlineMs),
      ];
      result = await this.run(this.program.pgCtl, args, stopDeadlineMs + 5_000);
      if (result.code === 0 || this.postmaster() === undefined) return;
    }
    throw this.failure('did not stop', result);
  }

  /** Gives the user a new password without knowing the old one; the server must not run. */
  async resetPassword(password: string): Promise<void> {
    this.clearLeftovers();
    const input = `ALTER ROLE ${ownName} PASSWORD '${password}'\n`;
    const args = ['--single', '-D', this.data, '-c', 'log_min_messages=error', 'postgres'];
    const result = await this.run(this.program.postgres, args, startDeadlineMs, input);
    if (result.code !== 0) throw this.failure('did not take a new password', result);
  }

  failure(what: string, { output }: Pick<ProgramResult, 'output'> = { output: '' }): PrivateStoreError {
    const log = lastLines(this.log);
    return new PrivateStoreError(
      `The private PostgreSQL in ${this.place.directory} ${what}${output && `: ${output}`}` +
        (log && `\nIts log ${this.log} ends with:\n${log}`),
    );
  }

  /**
   * What a kill -9 leaves: server processes that would keep the new postmaster out until they notice, and a
   * postmaster.pid whose number may belong to a stranger by now, which PostgreSQL would take for a running server.
   */
  private clearLeftovers(): void {
    for (const { pid } of processesIn(this.data, /^postgres/, 0)) process.kill(pid, 'SIGKILL');
    rmSync(join(this.data, 'postmaster.pid'), { force: true });
    try {
      if (statSync(this.log).size > maxLogBytes) renameSync(this.log, `${this.log}.old`);
    } catch {
      return;
    }
  }

  private postmasterPid(): number {
    try {
      return Number.parseInt(readFileSync(join(this.data, 'postmaster.pid'), 'utf8'), 10);
    } catch {
      return 0;
    }
  }

  private run(file: string, args: string[], deadlineMs: number, input?: string): Promise<ProgramResult> {
    const { directory, account } = this.place;
    // Nothing of the caller's environment (PGDATA, PGPORT, LC_ALL …) may lead to another server or another locale.
    const env = { PATH: process.env['PATH'] ?? '', HOME: directory, LC_ALL: 'C', TZ: 'UTC' };
    const options: ProgramOptions = { deadlineMs, cwd: directory, env, account, input };
    return runProgram(file, args, options);
  }
}

function seconds(ms: number): string {
  return String(Math.ceil(ms / 1000));
}
