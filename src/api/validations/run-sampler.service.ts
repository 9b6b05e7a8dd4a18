import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Database } from '../../platform/database/database.service';
import { ValidationLogStore, type ValidationLog } from '../../workloads/validation/validation-log.store';
import { ValidationRunStore, type ValidationRun } from '../../workloads/validation/validation-run.store';

export interface RunSample {
  /** Undefined once the run was deleted. */
  readonly run: ValidationRun | undefined;
  /** Lines that are newer than those of the sample before. */
  readonly logs: readonly ValidationLog[];
}

type Listener = (sample: RunSample) => void;

interface Watched {
  readonly listeners: Set<Listener>;
  lastLogId: number;
}

// Two reads of the runs and two of the logs per second, however many runs and readers there are.
const INTERVAL_MS = 500;
const MAX_LOGS = 500;

/** Reads the runs that somebody follows, once for all their followers in this process. */
@Injectable()
export class RunSampler implements BeforeApplicationShutdown {
  private readonly watched = new Map<string, Watched>();
  private timer?: NodeJS.Timeout;
  private inFlight?: Promise<void>;

  constructor(
    private readonly database: Database,
    private readonly runs: ValidationRunStore,
    private readonly logs: ValidationLogStore,
  ) {}

  /** Calls back about twice a second until the returned function is called. Logs up to `lastLogId` are known already. */
  watch(runId: string, lastLogId: number, listener: Listener): () => void {
    const entry = this.watched.get(runId) ?? { listeners: new Set(), lastLogId };
    entry.listeners.add(listener);
    // Who comes later may be told of a line twice, but nobody misses one.
    entry.lastLogId = Math.min(entry.lastLogId, lastLogId);
    this.watched.set(runId, entry);
    this.timer ??= setInterval(() => this.tick(), INTERVAL_MS);
    return () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size === 0 && this.watched.get(runId) === entry) this.watched.delete(runId);
      if (this.watched.size === 0) this.stop();
    };
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop();
    await this.inFlight;
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tick(): void {
    if (!this.database.isSchemaReady) return;
    // While the database is away the streams stay open and go on afterwards.
    this.inFlight ??= this.sample()
      .catch(() => undefined)
      .finally(() => {
        this.inFlight = undefined;
      });
  }

  private async sample(): Promise<void> {
    const entries = [...this.watched];
    const ids = entries.map(([id]) => id);
    const runs = new Map((await this.runs.findMany(ids)).map((run) => [run.id, run]));
    const since = Math.min(...entries.map(([, { lastLogId }]) => lastLogId));
    const logs = await this.logs.newer(ids, since, MAX_LOGS);
    for (const [id, entry] of entries) {
      const fresh = logs.filter((log) => log.validationRunId === id && log.id > entry.lastLogId);
      entry.lastLogId = fresh.at(-1)?.id ?? entry.lastLogId;
      const sample = { run: runs.get(id), logs: fresh };
      entry.listeners.forEach((listener) => listener(sample));
    }
  }
}
