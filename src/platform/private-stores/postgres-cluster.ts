import { chownSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownName } from './postgres-access';
import type { PostgresPlace } from './postgres-place';
import type { PostgresProgram } from './postgres-program';
import { signal } from './private-store';
import { PrivateStoreError } from './private-store-error';
import { nameOf, processesIn } from './process-identity';
import type { ProcessIdentity } from './process-identity';
import { lastLines, runProgram, waitUntil } from './run-program';
import type { ProgramOptions, ProgramResult } from './run-program';

const initialiseDeadlineMs = 120_000;
// Recovery after a crash replays up to max_wal_size.
const startDeadlineMs = 90_000;
const stopModes = [
  ['fast', 20_000],
  ['immediate', 5_000],
] as const;
const maxLogBytes = 5 * 1024 * 1024;
const programName = /^postgres/;
const listWorkers = 'ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -F -- "-> $1"';

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
    return processesIn(this.data, programName, pid).find((found) => found.pid === pid);
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
    await this.clearLeftovers();
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

  /** Tries the clean way, then the one that recovers at the next start, then, for a server that hangs, SIGKILL. */
  async stop(): Promise<void> {
    for (const [mode, deadlineMs] of stopModes) {
      if (this.postmaster() === undefined) return;
      const args = [
        'stop',
        '--pgdata',
        this.data,
        '--mode',
        mode,
        '--wait',
        '--timeout',
        seconds(deadlineMs),
      ];
      await this.run(this.program.pgCtl, args, deadlineMs + 5_000);
    }
    if (this.postmaster() === undefined) return;
    await this.killAll();
    await waitUntil(
      () => this.postmaster() === undefined,
      5_000,
      () => this.failure('did not stop').message,
    );
  }

  /** Gives the user a new password without knowing the old one; the server must not run. */
  async resetPassword(password: string): Promise<void> {
    await this.clearLeftovers();
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
  private async clearLeftovers(): Promise<void> {
    await this.killAll();
    rmSync(join(this.data, 'postmaster.pid'), { force: true });
    try {
      if (statSync(this.log).size > maxLogBytes) renameSync(this.log, `${this.log}.old`);
    } catch {
      return;
    }
  }

  private async killAll(): Promise<void> {
    for (const { pid } of processesIn(this.data, programName, 0)) signal(pid, 'SIGKILL');
    if (this.place.account === undefined || !existsSync('/proc')) return;
    // In a container root may not see where another user's processes work; that user may.
    const seen = await this.run('/bin/sh', ['-c', listWorkers, 'sh', this.data], 10_000);
    for (const [line, pid] of seen.output.matchAll(/\/proc\/(\d+)\/cwd -> .*/g)) {
      if (line.endsWith(`-> ${this.data}`) && programName.test(nameOf(Number(pid))))
        signal(Number(pid), 'SIGKILL');
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
