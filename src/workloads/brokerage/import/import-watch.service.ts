import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, eq } from 'drizzle-orm';
import { isDatabaseAway } from '../../../platform/database/database-unavailable.error';
import { Database } from '../../../platform/database/database.service';
import { Leader } from '../../../platform/leader/leader.service';
import { outbox as promises } from '../../../platform/outbox/outbox.tables';
import { JobReader } from '../../../platform/queue/job-reader.service';
import { WorkerRunner } from '../../../platform/worker/worker-runner.service';
import { ImportStore, type TradeImport } from '../import.store';
import { importQueue } from './import.queue';

const LOOK_INTERVAL_MS = 15_000;
const BATCH_SIZE = 100;
const KEPT_MS = 90 * 86_400_000;

/** Brings imports and their jobs together again, and forgets imports that are old. */
@Injectable()
export class ImportWatch implements OnApplicationBootstrap {
  private readonly logger = new Logger('import');

  constructor(
    private readonly imports: ImportStore,
    private readonly database: Database,
    private readonly jobs: JobReader,
    private readonly leader: Leader,
    private readonly workers: WorkerRunner,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('import-watch', LOOK_INTERVAL_MS, () => this.turn());
    this.workers.onFailure((job, error, isFinal) => {
      if (!isFinal || job.queueName !== importQueue.name || job.id === undefined) return;
      void this.imports.failOf(job.id, error.message).catch(() => undefined);
    });
  }

  async turn(silentMs?: number): Promise<void> {
    if (!this.database.isSchemaReady) return;
    try {
      for (const open of await this.imports.silent(BATCH_SIZE, silentMs)) {
        if (await this.isAlive(open)) await this.imports.touch(open.id);
        else if (await this.imports.failOf(open.jobId, 'Its job ended, or was lost, without a word.')) {
          this.logger.warn({ msg: 'An import was given up: its job is gone', importId: open.id });
        }
      }
      await this.imports.removeOld(new Date(Date.now() - KEPT_MS), BATCH_SIZE);
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }

  private async isAlive({ id, jobId, tenant }: TradeImport): Promise<boolean> {
    const job = await this.jobs.read(jobId);
    if (job !== undefined) return job.state !== 'completed' && job.state !== 'failed';
    const [promised] = await this.database.query
      .select({ key: promises.key })
      .from(promises)
      .where(and(eq(promises.tenant, tenant), eq(promises.key, `import:${id}`)))
      .limit(1);
    return promised !== undefined;
  }
}
