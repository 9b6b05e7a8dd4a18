import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { findFreePort, isPortFree } from './free-port';
import { signal } from './private-store';
import type { PrivateStore } from './private-store';
import { PrivateStoreError } from './private-store-error';
import { isAlive, processesIn } from './process-identity';
import type { ProcessIdentity } from './process-identity';
import { askRedis, shutDownRedis } from './redis-access';
import type { RedisAccess, RedisAnswer } from './redis-access';
import { RedisFiles } from './redis-files';
import { findRedisProgram } from './redis-program';
import type { RedisProgram } from './redis-program';
import { lastLines, waitUntil } from './run-program';

// An append-only file of some GB takes a minute to load.
const startDeadlineMs = 90_000;
const silenceDeadlineMs = 5_000;
const stopDeadlineMs = 10_000;

/** One detached redis-server per home: loopback only, append-only, noeviction, with a password of its own. */
export class PrivateRedis implements PrivateStore {
  readonly label = 'Redis';
  private readonly files: RedisFiles;
  private access?: RedisAccess;
  private server?: ProcessIdentity;

  constructor(private readonly home: string) {
    this.files = new RedisFiles(home);
  }

  get url(): string {
    if (this.access === undefined) throw new PrivateStoreError('The private Redis has not been started yet.');
    return `redis://:${this.access.password}@127.0.0.1:${this.access.port}`;
  }

  isRunning(): boolean {
    return isAlive(this.server);
  }

  async ensure({ keepPort }: { keepPort: boolean }): Promise<'adopted' | 'started'> {
    mkdirSync(this.files.data, { recursive: true, mode: 0o700 });
    this.access = this.files.readAccess() ?? this.access;
    if (await this.adopt()) return 'adopted';
    await this.endProcesses();
    await this.start(keepPort);
    return 'started';
  }

  async stop(): Promise<void> {
    this.access = this.files.readAccess() ?? this.access;
    if (this.running().length === 0) return;
    if (this.access !== undefined) await shutDownRedis(this.access);
    await this.endProcesses();
  }

  private running(): ProcessIdentity[] {
    return processesIn(this.files.data, /redis|valkey/, this.files.readPid());
  }

  /** A server of ours that answers is taken over; one that loads is waited for; any other is left to be ended. */
  private async adopt(): Promise<boolean> {
    const [found] = this.running();
    const access = this.access;
    if (found === undefined || access === undefined) return false;
    const silentUntil = Date.now() + silenceDeadlineMs;
    let answer: RedisAnswer | undefined;
    const isDecided = async () => {
      answer = await askRedis(access);
      const isHopeless = answer === 'nothing' && (Date.now() > silentUntil || !isAlive(found));
      return answer === 'ready' || answer === 'wrong password' || isHopeless;
    };
    await waitUntil(isDecided, startDeadlineMs, () => this.failure('did not finish loading its data'));
    if (answer !== 'ready') return false;
    this.server = found;
    return true;
  }

  /** A second SIGTERM does not cut a shutdown short; SIGKILL is for a server that hangs. */
  private async endProcesses(): Promise<void> {
    const isGone = () => this.running().length === 0;
    const askToEnd = (name: NodeJS.Signals) => this.running().forEach(({ pid }) => signal(pid, name));
    if (isGone()) return;
    askToEnd('SIGTERM');
    await waitUntil(isGone, stopDeadlineMs, () => '').catch(() => askToEnd('SIGKILL'));
    await waitUntil(isGone, stopDeadlineMs, () => this.failure('did not end'));
  }

  private async start(keepPort: boolean): Promise<void> {
    const program = await findRedisProgram(this.home);
    const knownPort = this.access?.port;
    const port = keepPort && knownPort !== undefined ? knownPort : await findFreePort(knownPort);
    if (!(await isPortFree(port))) {
      throw new PrivateStoreError(`Another program has taken port ${port} of the private Redis: stop it.`);
    }
    const access = { port, password: this.access?.password ?? randomBytes(24).toString('base64url') };
    this.access = access;
    this.files.writeConfiguration(access, program.version);
    this.files.setLongLogAside();
    const end = this.launch(program);
    const isReady = async () => end.reason !== undefined || (await askRedis(access)) === 'ready';
    await waitUntil(isReady, startDeadlineMs, () => this.failure('did not become ready'));
    [this.server] = this.running();
    if (this.server !== undefined) return;
    throw new PrivateStoreError(
      this.failure(`ended at once (${program.file}: ${end.reason ?? 'not found again'})`),
    );
  }

  private launch({ file, env }: RedisProgram): { reason?: string } {
    const end: { reason?: string } = {};
    const log = openSync(this.files.log, 'a', 0o600);
    const child = spawn(file, [this.files.config], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: this.files.directory,
      env,
    });
    closeSync(log);
    child.once('exit', (code, killer) => (end.reason = `exit ${code ?? killer}`));
    child.once('error', (error) => (end.reason = error.message));
    child.unref();
    return end;
  }

  private failure(what: string): string {
    const { directory, log } = this.files;
    return `The private Redis in ${directory} ${what}; its log ${log} ends with:\n${lastLines(log)}`;
  }
}
