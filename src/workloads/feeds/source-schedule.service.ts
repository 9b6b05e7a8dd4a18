import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { isDatabaseAway } from '../../platform/database/database-unavailable.error';
import { Database } from '../../platform/database/database.service';
import { Leader } from '../../platform/leader/leader.service';
import { Outbox } from '../../platform/outbox/outbox.service';
import { FeedSources } from './feed-source.store';
import type { FeedSourceRow } from './feeds.tables';
import { ImportRuns } from './import-run.store';

const INTERVAL_MS = 5_000;
const MAX_DUE = 100;

/** Starts the imports of sources whose time has come, each once, however many processes there are. */
@Injectable()
export class SourceScheduleRunner implements OnApplicationBootstrap {
  private readonly logger = new Logger('feeds');

  constructor(
    private readonly database: Database,
    private readonly sources: FeedSources,
    private readonly imports: ImportRuns,
    private readonly outbox: Outbox,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('feed-schedule', INTERVAL_MS, async () => {
      if (!this.database.isSchemaReady) return;
      try {
        while ((await this.startDue()) === MAX_DUE);
      } catch (error) {
        if (!isDatabaseAway(error)) throw error;
      }
    });
  }

  /** Starts what is due, and plans the next run of each in the same transaction; answers how many were due. */
  async startDue(): Promise<number> {
    const started = await this.database.transaction(async (transaction) => {
      const due = await this.sources.due(transaction, MAX_DUE);
      for (const source of due) {
        if ((await this.sources.planNext(transaction, source)) !== null) continue;
        this.logger.error(
          `This was the last scheduled import of source ${source.id}: its schedule ends, or is none any more.`,
        );
      }
      const running = await this.runningOf(due);
      const idle = due.filter((source) => !running.has(`${source.tenant} ${source.name}`));
      for (const { tenant, name, id, url } of idle) {
        await this.imports.put(transaction, randomUUID(), {
          tenant,
          trigger: 'schedule',
          caller: 'schedule',
          sources: [{ source: name, sourceId: id, url }],
        });
      }
      return { due: due.length, idle: idle.length };
    });
    if (started.idle > 0) this.outbox.wakeRelay();
    if (started.due > started.idle) {
      this.logger.warn(`${started.due - started.idle} sources are due while their last import still runs.`);
    }
    return started.due;
  }

  private async runningOf(due: readonly FeedSourceRow[]): Promise<ReadonlySet<string>> {
    const running = new Set<string>();
    for (const tenant of new Set(due.map((source) => source.tenant))) {
      const sources = due.filter((one) => one.tenant === tenant).map(({ name }) => ({ source: name }));
      for (const name of await this.imports.running({ tenant, sources })) running.add(`${tenant} ${name}`);
    }
    return running;
  }
}
