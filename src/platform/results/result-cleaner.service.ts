import { Injectable, Logger, Optional, type OnApplicationBootstrap } from '@nestjs/common';
import { Leader } from '../leader/leader.service';
import { LedgerSearch } from '../ledger/ledger-search.service';
import { QueueRegistry } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { FileStorage } from '../storage/file-storage.service';
import type { StoredFile } from '../storage/stored-file';
import { ownerOfResultFile, RESULTS } from './result-reference';

/** Somebody who still knows jobs after Redis has let them go. Answers with those of the ids, at most 200, it knows. */
export type ResultKeeper = (jobIds: readonly string[]) => Promise<ReadonlySet<string>>;

const SWEEP_INTERVAL_MS = 600_000;
// Longer than a result takes from its file to its job.
const ORPHAN_AGE_MS = 3_600_000;

/** Removes stored results whose job nobody knows any more, and files that a crash left unfinished. */
@Injectable()
export class ResultCleaner implements OnApplicationBootstrap {
  private readonly logger = new Logger('Results');
  private readonly keepers: ResultKeeper[] = [];

  constructor(
    private readonly storage: FileStorage,
    private readonly leader: Leader,
    private readonly registry: QueueRegistry,
    private readonly connections: RedisConnections,
    @Optional() ledger?: LedgerSearch,
  ) {
    this.keepers.push((ids) => this.inRedis(ids));
    if (ledger !== undefined) this.keepers.push((ids) => ledger.known(ids));
  }

  onApplicationBootstrap(): void {
    this.leader.every('result-cleaner', SWEEP_INTERVAL_MS, async () => {
      await this.sweep();
    });
  }

  /** From now on results of jobs that the keeper knows stay, too; an error of a keeper keeps all. */
  keep(keeper: ResultKeeper): void {
    this.keepers.push(keeper);
  }

  /** One pass over all results; resolves with the number of files removed. */
  async sweep(ageMs = ORPHAN_AGE_MS): Promise<number> {
    const removed = await this.storage.sweep(RESULTS, ageMs, (files) => this.unknown(files));
    if (removed > 0) this.logger.log(`Removed ${removed} results of jobs that are gone.`);
    return removed;
  }

  private async unknown(files: readonly StoredFile[]): Promise<StoredFile[]> {
    const owners = files.map(({ name }) => ownerOfResultFile(name));
    let unknown: readonly string[] = [...new Set(owners.filter((id) => id !== undefined))];
    for (const keeper of this.keepers) {
      if (unknown.length === 0) break;
      const known = await keeper(unknown);
      unknown = unknown.filter((id) => !known.has(id));
    }
    const gone = new Set(unknown);
    return files.filter((_file, index) => {
      const owner = owners[index];
      return owner === undefined || gone.has(owner);
    });
  }

  private async inRedis(ids: readonly string[]): Promise<ReadonlySet<string>> {
    this.connections.assertReady();
    const found = await Promise.all(
      ids.map(async (id) => {
        const entry = this.registry.ofJob(id);
        if (entry === undefined) return false;
        const key = `${entry.queue.opts.prefix}:${entry.definition.name}:${id}`;
        return (await this.connections.producer.exists(key)) === 1;
      }),
    );
    return new Set(ids.filter((_id, index) => found[index]));
  }
}
