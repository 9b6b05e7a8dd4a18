import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Settings } from '../../config/settings';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Leader } from '../leader/leader.service';
import { problem } from '../problems/problem-catalogue';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import type { AuditEntry } from './audit-entry';
import { AuditLog, type WaitingEntry } from './audit-log.service';

const TURN_MS = 5_000;
const BATCH_SIZE = 500;
// Longer than any request takes: who has not ended by then was killed.
const LOST_AFTER_MS = 120_000;
// While the database is away; then nothing is done any more that would leave no trace.
const MAX_WAITING = 50_000;

interface Spooled {
  readonly isBegun: boolean;
  readonly entry: AuditEntry;
}

/**
 * Where entries wait for the database: in Redis, from before their action begins. So an action whose process is
 * killed is not forgotten, and a database that is away keeps nobody from repairing anything.
 */
@Injectable()
export class AuditSpool implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private readonly key: string;
  private draining: Promise<void> = Promise.resolve();

  constructor(
    settings: Settings,
    private readonly connections: RedisConnections,
    private readonly log: AuditLog,
    private readonly leader: Leader,
  ) {
    this.key = platformKey(settings, 'audit:spool');
  }

  onApplicationBootstrap(): void {
    this.leader.every('audit', TURN_MS, () => this.drain());
  }

  // Later the pool of the database may be closed already.
  async beforeApplicationShutdown(): Promise<void> {
    await this.draining;
  }

  /**
   * Notes that something is about to be done; undefined while Redis is away, where only the database can do anything.
   * Throws `audit_full` when too much waits for the database.
   */
  async begin(entry: AuditEntry): Promise<string | undefined> {
    if (!this.connections.isReady()) return undefined;
    const { producer } = this.connections;
    const [waiting, id] = await Promise.all([
      producer.xlen(this.key),
      producer.xadd(this.key, '*', 'entry', JSON.stringify({ isBegun: true, entry } satisfies Spooled)),
    ]);
    if (waiting < MAX_WAITING) return id ?? undefined;
    if (id !== null) await producer.xdel(this.key, id);
    throw problem('audit_full');
  }

  /** Notes what became of it, and brings it into the chain as soon as that can be. Never rejects. */
  async end(entry: AuditEntry, begun?: string): Promise<void> {
    try {
      if (this.connections.isReady()) await this.spool(entry, begun);
      else await this.log.append([{ entry }]);
      this.soon();
    } catch (error) {
      // The last place that is left; what was begun is told of by its own note.
      this.logger.error({ msg: `An action could not be noted: ${String(error).slice(0, 200)}`, entry });
    }
  }

  /** Brings what waits into the chain, once each; what was begun and never ended counts as unknown after two minutes. */
  async drain(now = Date.now()): Promise<void> {
    for (let from = '-'; ;) {
      const found = await this.connections.producer.xrange(this.key, from, '+', 'COUNT', BATCH_SIZE);
      const last = found.at(-1);
      if (last === undefined) return;
      const ready = found.flatMap(([id, [, json]]) => readyEntry(id, json ?? '', now));
      await this.log.append(ready);
      if (ready.length > 0) {
        await this.connections.producer.xdel(this.key, ...ready.map(({ spoolId }) => spoolId));
      }
      if (found.length < BATCH_SIZE) return;
      from = `(${last[0]}`;
    }
  }

  private async spool(entry: AuditEntry, begun: string | undefined): Promise<void> {
    const json = JSON.stringify({ isBegun: false, entry } satisfies Spooled);
    const both = this.connections.producer.multi().xadd(this.key, '*', 'entry', json);
    if (begun !== undefined) both.xdel(this.key, begun);
    await both.exec();
  }

  /** One turn after the other; a database that is away is found by the leader when it is back. */
  private soon(): void {
    this.draining = this.draining
      .then(() => this.drain())
      .catch((error: unknown) => {
        if (isDatabaseAway(error)) return;
        this.logger.warn(`What was done is noted, but not in the chain yet: ${String(error).slice(0, 200)}`);
      });
  }
}

function readyEntry(spoolId: string, json: string, now: number): (WaitingEntry & { spoolId: string })[] {
  const { isBegun, entry } = JSON.parse(json) as Spooled;
  if (!isBegun) return [{ entry, spoolId }];
  return now - entry.at > LOST_AFTER_MS ? [{ entry: { ...entry, outcome: 'unknown' }, spoolId }] : [];
}
