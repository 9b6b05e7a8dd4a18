import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, eq } from 'drizzle-orm';
import { isDatabaseAway } from '../../../platform/database/database-unavailable.error';
import { Database } from '../../../platform/database/database.service';
import { Leader } from '../../../platform/leader/leader.service';
import { outbox as promises } from '../../../platform/outbox/outbox.tables';
import { JobReader } from '../../../platform/queue/job-reader.service';
import { WorkerRunner } from '../../../platform/worker/worker-runner.service';
import { SyncRequests } from '../sync-requests.store';
import { SyncRunStore, type SyncRun } from '../sync-run.store';
import { brokerSyncQueue } from './broker-sync.queue';

const LOOK_INTERVAL_MS = 5_000;
const BATCH_SIZE = 100;
const MAX_BATCHES = 20;

/**
 * Asks for the syncs that are due, wherever the lease is held. What is due and what was asked for stand in PostgreSQL:
 * neither a restart nor two leaders at once make a job twice.
 */
@Injectable()
export class SyncScheduler implements OnApplicationBootstrap {
  private readonly logger = new Logger('broker-sync');

  constructor(
    private readonly requests: SyncRequests,
    private readonly runs: SyncRunStore,
    private readonly database: Database,
    private readonly jobs: JobReader,
    private readonly leader: Leader,
    private readonly workers: WorkerRunner,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('broker-sync-schedule', LOOK_INTERVAL_MS, () => this.turn());
    this.workers.onFailure((job, error, isFinal) => {
      if (!isFinal || job.queueName !== brokerSyncQueue.name || job.id === undefined) return;
      void this.runs.failOf(job.id, error.message).catch(() => undefined);
    });
  }

  /** One look at what is due, and at runs whose job has gone. */
  async turn(now = Date.now()): Promise<void> {
    if (!this.database.isSchemaReady) return;
    try {
      for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
        if ((await this.requests.requestDue(BATCH_SIZE, now)) < BATCH_SIZE) break;
      }
      await this.endAbandoned();
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }

  /** Ends runs that no job will go on with, so that their connections are synchronised again. */
  async endAbandoned(silentMs?: number): Promise<void> {
    for (const run of await this.runs.silent(BATCH_SIZE, silentMs)) {
      if (await this.isAlive(run)) await this.runs.touch(run.id);
      else if (await this.runs.failOf(run.jobId, 'Its job ended, or was lost, without a word.')) {
        this.logger.warn({ msg: 'A sync was given up: its job is gone', connectionId: run.connectionId });
      }
    }
  }

  private async isAlive({ id, jobId, tenant }: SyncRun): Promise<boolean> {
    const job = await this.jobs.read(jobId);
    if (job !== undefined) return job.state !== 'completed' && job.state !== 'failed';
    const [promised] = await this.database.query
      .select({ key: promises.key })
      .from(promises)
      .where(and(eq(promises.tenant, tenant), eq(promises.key, `sync:${id}`)))
      .limit(1);
    return promised !== undefined;
  }
}
