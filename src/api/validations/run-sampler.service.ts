import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.service';
import { Sampler, type Watched } from '../../platform/http/sampler';
import { ValidationLogStore, type ValidationLog } from '../../workloads/validation/validation-log.store';
import { ValidationRunStore, type ValidationRun } from '../../workloads/validation/validation-run.store';

export interface RunSample {
  /** Undefined once the run was deleted. */
  readonly run: ValidationRun | undefined;
  /** Lines that are newer than those of the sample before. */
  readonly logs: readonly ValidationLog[];
}

type Listener = (sample: RunSample) => void;

interface FollowedRun {
  readonly id: string;
  lastLogId: number;
}

const MAX_LOGS = 500;

/** Reads the runs that somebody follows. */
@Injectable()
export class RunSampler extends Sampler<FollowedRun, Listener> {
  constructor(
    database: Database,
    private readonly runs: ValidationRunStore,
    private readonly logs: ValidationLogStore,
  ) {
    super(database);
  }

  /** Calls back until the returned function is called. Logs up to `lastLogId` are known already. */
  watch(id: string, lastLogId: number, listener: Listener): () => void {
    // Who comes later may be told of a line twice, but nobody misses one.
    const followed = (known?: FollowedRun) => {
      const entry = known ?? { id, lastLogId };
      entry.lastLogId = Math.min(entry.lastLogId, lastLogId);
      return entry;
    };
    return this.join(id, followed, listener);
  }

  protected async sample(watched: readonly Watched<FollowedRun, Listener>[]): Promise<void> {
    const ids = watched.map(({ entry }) => entry.id);
    const runs = new Map((await this.runs.findMany(ids)).map((run) => [run.id, run]));
    const since = Math.min(...watched.map(({ entry }) => entry.lastLogId));
    const logs = await this.logs.newer(ids, since, MAX_LOGS);
    for (const { entry, listeners } of watched) {
      const fresh = logs.filter((log) => log.validationRunId === entry.id && log.id > entry.lastLogId);
      entry.lastLogId = fresh.at(-1)?.id ?? entry.lastLogId;
      const sample = { run: runs.get(entry.id), logs: fresh };
      listeners.forEach((listener) => listener(sample));
    }
  }
}
