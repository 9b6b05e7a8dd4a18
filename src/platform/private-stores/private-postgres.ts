import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { findFreePort, isPortFree } from './free-port';
import { askPostgres, ownName } from './postgres-access';
import type { PostgresAccess, PostgresAnswer } from './postgres-access';
import { PostgresCluster } from './postgres-cluster';
import { findPostgresPlace } from './postgres-place';
import { findPostgresProgram } from './postgres-program';
import type { PrivateStore } from './private-store';
import { PrivateStoreError } from './private-store-error';
import { isAlive } from './process-identity';
import type { ProcessIdentity } from './process-identity';
import { waitUntil } from './run-program';
import { readState, saveState } from './saved-state';

const readyDeadlineMs = 90_000;
const silenceDeadlineMs = 5_000;

/** One detached PostgreSQL per home from npm's binaries: loopback only, with a password of its own, every commit synced. */
export class PrivatePostgres implements PrivateStore {
  readonly label = 'PostgreSQL';
  private readonly accessFile: string;
  private cluster?: PostgresCluster;
  private access?: PostgresAccess;
  private server?: ProcessIdentity;

  constructor(private readonly home: string) {
    this.accessFile = join(home, 'postgres', 'access.json');
  }

  get url(): string {
    if (this.access === undefined)
      throw new PrivateStoreError('The private PostgreSQL has not been started yet.');
    return `postgres://${ownName}:${this.access.password}@127.0.0.1:${this.access.port}/${ownName}`;
  }

  isRunning(): boolean {
    return isAlive(this.server);
  }

  async ensure({ keepPort }: { keepPort: boolean }): Promise<'adopted' | 'started'> {
    const cluster = await this.findCluster();
    this.access = this.readAccess() ?? this.access;
    if (await this.adopt(cluster)) return 'adopted';
    await cluster.stop();
    await this.start(cluster, keepPort);
    return 'started';
  }

  async stop(): Promise<void> {
    if (this.readAccess() !== undefined) await (await this.findCluster()).stop();
  }

  private async findCluster(): Promise<PostgresCluster> {
    if (this.cluster === undefined) {
      const place = await findPostgresPlace(this.home);
      this.cluster = new PostgresCluster(place, await findPostgresProgram(place.account));
    }
    return this.cluster;
  }

  private readAccess(): PostgresAccess | undefined {
    return readState<PostgresAccess>(this.accessFile, ['port', 'password']);
  }

  /** A server of ours that answers is taken over; one that recovers is waited for; any other is left to be stopped. */
  private async adopt(cluster: PostgresCluster): Promise<boolean> {
    const found = cluster.postmaster();
    if (found === undefined || this.access === undefined) return false;
    if ((await this.answer(cluster, this.access)) !== 'ready') return false;
    this.server = found;
    return true;
  }

  private async answer(cluster: PostgresCluster, access: PostgresAccess): Promise<PostgresAnswer> {
    const silentUntil = Date.now() + silenceDeadlineMs;
    let answer: PostgresAnswer = 'nothing';
    const isDecided = async () => {
      answer = await askPostgres(access);
      const isHopeless =
        answer === 'nothing' && (Date.now() > silentUntil || cluster.postmaster() === undefined);
      return answer === 'ready' || answer === 'wrong password' || isHopeless;
    };
    await waitUntil(isDecided, readyDeadlineMs, () => cluster.failure('did not become ready').message);
    return answer;
  }

  private async start(cluster: PostgresCluster, keepPort: boolean): Promise<void> {
    const known = this.access;
    const port = keepPort && known !== undefined ? known.port : await findFreePort(known?.port);
    if (!(await isPortFree(port))) {
      throw new PrivateStoreError(
        `Another program has taken port ${port} of the private PostgreSQL: stop it.`,
      );
    }
    const access = { port, password: known?.password ?? randomBytes(24).toString('base64url') };
    this.access = access;
    saveState(this.accessFile, access);
    if (!cluster.exists()) await cluster.initialise(access.password);
    else if (known === undefined) await cluster.resetPassword(access.password);
    await cluster.start(port);
    if ((await this.answer(cluster, access)) === 'wrong password') {
      await cluster.stop();
      await cluster.resetPassword(access.password);
      await cluster.start(port);
    }
    this.server = cluster.postmaster();
    if (this.server === undefined || (await this.answer(cluster, access)) !== 'ready') {
      throw cluster.failure('does not answer');
    }
  }
}
