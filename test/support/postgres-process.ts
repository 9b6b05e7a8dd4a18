import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgresPlace, outsidePlace } from '../../src/platform/private-stores/postgres-place';
import { PrivatePostgres } from '../../src/platform/private-stores/private-postgres';
import { eventually } from './eventually';

/** A PostgreSQL of the test's own, unsupervised: killed, and started again on the same port with the same data. */
export class PostgresProcess {
  private constructor(
    private readonly home: string,
    private readonly server: PrivatePostgres,
  ) {}

  static async start(): Promise<PostgresProcess> {
    const home = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'));
    // Under root PostgreSQL runs as another user, who has to pass through.
    await chmod(home, 0o711);
    const postgres = new PostgresProcess(home, new PrivatePostgres(home));
    await postgres.server.ensure({ keepPort: false });
    return postgres;
  }

  get url(): string {
    return this.server.url;
  }

  /** Starts it again after a {@link kill}; resolves when it has recovered and answers. */
  async restart(): Promise<void> {
    await this.server.ensure({ keepPort: true });
  }

  /** SIGKILL for the postmaster; its sessions end as soon as they notice. */
  async kill(): Promise<void> {
    const { directory } = await findPostgresPlace(this.home);
    const pid = Number.parseInt(await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10);
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(this.server.isRunning()).toBe(false), 10_000);
  }

  async remove(): Promise<void> {
    await this.server.stop();
    for (const path of [this.home, outsidePlace(this.home)]) await rm(path, { recursive: true, force: true });
  }
}
