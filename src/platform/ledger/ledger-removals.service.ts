import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { JobRemovals, type Removal } from '../queue/job-removals.service';
import type { JobSnapshot } from '../queue/job-snapshot';
import { QueueRegistry } from '../queue/queue-registry.service';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { jobOfRow, type LedgerJob } from './ledger-job';
import { LedgerRecorder } from './ledger-recorder.service';
import { attemptRows, ledgerRow, type LedgerAttemptRow, type LedgerRow } from './ledger-row';

const MAX_SPOOLED = 100_000;
const BATCH_SIZE = 500;
// As many as can be waiting for the next turn of the writer in ordinary times.
const MAX_RECENT = 200;

interface Spooled {
  readonly row: LedgerRow;
  readonly attempts: readonly LedgerAttemptRow[];
}

/** The ledger is not to lose what leaves Redis; the spool for it is full. */
export class RemovalSpoolFullError extends Error {
  constructor() {
    super(
      `Redis keeps ${MAX_SPOOLED} removed jobs for a database that is away: remove more when it is back.`,
    );
    this.name = 'RemovalSpoolFullError';
  }
}

/** Keeps what people remove from Redis in a stream there, until the database has it. */
@Injectable()
export class LedgerRemovals implements OnApplicationBootstrap {
  private readonly key: string;

  constructor(
    settings: Settings,
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly removals: JobRemovals,
    private readonly recorder: LedgerRecorder,
  ) {
    this.key = platformKey(settings, 'ledger:removed');
  }

  onApplicationBootstrap(): void {
    this.removals.beforeRemoval((job, removal) => this.note(job, removal));
  }

  /** Writes the oldest removals; true when there may be more. */
  async advance(): Promise<boolean> {
    const { producer } = this.connections;
    const entries = await producer.xrange(this.key, '-', '+', 'COUNT', BATCH_SIZE);
    if (entries.length === 0) return false;
    const spooled = entries.flatMap(([id, [, json]]) => rowOf(id, json));
    await this.recorder.put(
      spooled.map(({ row }) => row),
      spooled.flatMap(({ attempts }) => attempts),
    );
    await producer.xdel(this.key, ...entries.map(([id]) => id));
    return entries.length === BATCH_SIZE;
  }

  /** A job that was removed just now, and is not in the database yet. */
  async recent(id: string): Promise<LedgerJob | undefined> {
    const entries = await this.connections.producer.xrevrange(this.key, '+', '-', 'COUNT', MAX_RECENT);
    const found = entries.flatMap(([entry, [, json]]) => rowOf(entry, json)).find(({ row }) => row.id === id);
    return found === undefined ? undefined : jobOfRow(found.row);
  }

  private async note(job: JobSnapshot, removal: Removal): Promise<(() => Promise<void>) | void> {
    const definition = this.registry.get(job.queue)?.definition;
    if (definition === undefined) return undefined;
    const { producer } = this.connections;
    if ((await producer.xlen(this.key)) >= MAX_SPOOLED) throw new RemovalSpoolFullError();
    const row = { ...ledgerRow(job, definition, 0), ...endOf(job, removal) };
    const json = JSON.stringify({ row, attempts: attemptRows(job) } satisfies Spooled);
    const id = await producer.xadd(this.key, '*', 'job', json);
    return async () => {
      if (id !== null) await producer.xdel(this.key, id);
    };
  }
}

/** A job that had finished keeps its own end; who removed it is for the audit. */
function endOf({ finishedAt }: JobSnapshot, { kind, reason, by }: Removal): Partial<LedgerRow> {
  if (finishedAt !== undefined) return {};
  return {
    state: kind,
    finished_at: new Date().toISOString(),
    error_name: kind === 'cancelled' ? 'JobCancelled' : 'JobRemoved',
    error_message: `${reason.slice(0, 400)} (${by.slice(0, 90)})`,
  };
}

// The entry's id says when it was noted, by the clock of Redis.
function rowOf(id: string, json: string | undefined): Spooled[] {
  try {
    const { row, attempts } = JSON.parse(json ?? '') as Spooled;
    return [{ row: { ...row, observed_at: Number(id.split('-')[0]) }, attempts }];
  } catch {
    return [];
  }
}
