import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.service';

// A pool waits up to ten seconds for an answer: too long for a probe.
const DEADLINE_MS = 2_000;

/** What the probes ask of the database. Each rejects with one sentence that may be shown to anybody. */
@Injectable()
export class DatabaseChecks {
  private asking?: Promise<unknown>;

  constructor(private readonly database: Database) {}

  async answers(): Promise<{ schema: 'ready' | 'pending' }> {
    if (!(await this.isReachable())) throw new Error('The database does not answer.');
    return { schema: this.database.isSchemaReady ? 'ready' : 'pending' };
  }

  /**
   * Rejects while the database can be reached but lacks migrations.
   * One that is away does not make a process unready: most jobs need none, and routes that do say so themselves.
   */
  async hasItsSchema(): Promise<{ schema: 'ready' | 'unknown' }> {
    if (this.database.isSchemaReady) return { schema: 'ready' };
    const isReachable = await this.isReachable();
    if (this.database.isSchemaReady) return { schema: 'ready' };
    if (isReachable) throw new Error('The migrations have not run yet.');
    return { schema: 'unknown' };
  }

  private async isReachable(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), DEADLINE_MS);
    });
    const answer = this.ask().then(
      () => true,
      () => false,
    );
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Probes that arrive while one is asking share its answer: a frozen database must not cost them the pool. */
  private ask(): Promise<unknown> {
    this.asking ??= this.database.pingMs().finally(() => (this.asking = undefined));
    return this.asking;
  }
}
