import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { isDatabaseAway } from '../../platform/database/database-unavailable.error';
import { Database } from '../../platform/database/database.service';
import { Leader } from '../../platform/leader/leader.service';
import { Outbox } from '../../platform/outbox/outbox.service';
import { outbox as promises } from '../../platform/outbox/outbox.tables';
import { JobReader } from '../../platform/queue/job-reader.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { WorkerRunner } from '../../platform/worker/worker-runner.service';
import { isRunId } from './run-id';
import { ValidationAttemptStore } from './validation-attempt.store';
import { ValidationLogStore } from './validation-log.store';
import { jobKeyOf, type ValidationRun } from './validation-run.store';
import { validationRuns } from './validation.tables';

const INTERVAL_MS = 5_000;
// A working attempt writes every second; this is far longer than a slow database makes it.
export const QUIET_MS = 15_000;
const BATCH_SIZE = 100;

type Suspect = Pick<
  ValidationRun,
  'id' | 'tenant' | 'fileName' | 'status' | 'jobId' | 'version' | 'updatedAt'
>;

const columns = {
  id: validationRuns.id,
  tenant: validationRuns.tenant,
  fileName: validationRuns.fileName,
  status: validationRuns.status,
  jobId: validationRuns.jobId,
  version: validationRuns.version,
  updatedAt: validationRuns.updatedAt,
};

/** Brings runs and their jobs together again after a crash, so that no run waits for a job that will not come. */
@Injectable()
export class ValidationReconciler implements OnApplicationBootstrap {
  private readonly logger = new Logger('validation');
  private lastSeen = '';

  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly jobs: JobReader,
    private readonly attempts: ValidationAttemptStore,
    private readonly logs: ValidationLogStore,
    private readonly leader: Leader,
    private readonly workers: WorkerRunner,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('validation-reconciler', INTERVAL_MS, () => this.reconcile());
    this.workers.onFailure((job, error, isFinal) => {
      const { validationRunId } = (job.data ?? {}) as { validationRunId?: unknown };
      if (!isFinal || job.queueName !== 'validation' || typeof validationRunId !== 'string') return;
      if (isRunId(validationRunId)) void this.fail(validationRunId, error.message).catch(() => undefined);
    });
  }

  /** One turn: looks at up to 100 runs that nothing has happened to for a while. */
  async reconcile(quietMs = QUIET_MS): Promise<void> {
    if (!this.database.isSchemaReady) return;
    try {
      for (const run of await this.suspects(quietMs)) await this.reconcileRun(run);
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }

  /** In the order of their ids, going on where the last turn ended, so that a long queue hides nobody. */
  private async suspects(quietMs: number): Promise<Suspect[]> {
    const found = await this.database.query
      .select(columns)
      .from(validationRuns)
      .where(
        and(
          inArray(validationRuns.status, ['queued', 'processing']),
          sql`${validationRuns.updatedAt} < now() - ${quietMs} * interval '1 millisecond'`,
          this.lastSeen === '' ? undefined : sql`${validationRuns.id} > ${this.lastSeen}::uuid`,
        ),
      )
      .orderBy(asc(validationRuns.id))
      .limit(BATCH_SIZE);
    this.lastSeen = found.length === BATCH_SIZE ? (found.at(-1)?.id ?? '') : '';
    return found;
  }

  private async reconcileRun(run: Suspect): Promise<void> {
    const job = run.jobId === null ? undefined : await this.jobs.read(run.jobId);
    if (job === undefined) return this.promiseAgain(run);
    switch (job.state) {
      case 'failed':
      case 'cancelled':
        return this.fail(run.id, job.failedReason ?? '', run.version);
      case 'completed':
        return this.fail(run.id, 'its job ended without a result', run.version);
      case 'active':
        return undefined;
      default:
        return this.requeue(run, job);
    }
  }

  /** The job is gone and will not come back by itself, unless its promise is still on the way. */
  private async promiseAgain(run: Suspect): Promise<void> {
    const key = jobKeyOf(run.id);
    const isPromised = await this.database.transaction(async (transaction) => {
      const [pending] = await transaction
        .select({ id: promises.id })
        .from(promises)
        .where(eq(promises.key, key))
        .limit(1);
      if (pending !== undefined) return false;
      const [mine] = await transaction
        .update(validationRuns)
        .set({ status: 'queued', stage: null, progress: 0, ...changed })
        .where(unchanged(run))
        .returning({ id: validationRuns.id });
      if (mine === undefined) return false;
      const payload = { validationRunId: run.id, fileName: run.fileName };
      await this.outbox.put(transaction, { type: 'validate-file', key, payload, tenant: run.tenant });
      return true;
    });
    if (!isPromised) return;
    this.outbox.wakeRelay();
    await this.note(run.id, 'warn', 'The job of this run was lost and is queued again');
  }

  /** Its worker went away; the job waits for the next one. */
  private async requeue(run: Suspect, job: JobSnapshot): Promise<void> {
    if (run.status !== 'processing') return;
    const [mine] = await this.database.query
      .update(validationRuns)
      .set({ status: 'queued', stage: null, progress: 0, ...changed })
      .where(unchanged(run))
      .returning({ id: validationRuns.id });
    if (mine !== undefined)
      await this.note(run.id, 'warn', `The worker of this run went away; its job is ${job.state}`);
  }

  private async fail(runId: string, reason: string, version?: number): Promise<void> {
    const message = sentenceFor(reason);
    if (await this.attempts.failAbandoned(runId, message, version)) await this.note(runId, 'error', message);
  }

  private async note(runId: string, level: 'warn' | 'error', message: string): Promise<void> {
    this.logger.warn(`Run ${runId}: ${message}.`);
    await this.logs.append(runId, 'reconciler', level, message);
  }
}

const changed = { updatedAt: sql`now()`, version: sql`${validationRuns.version} + 1` };

function unchanged({ id, version }: Suspect) {
  return and(eq(validationRuns.id, id), eq(validationRuns.version, version));
}

function sentenceFor(reason: string): string {
  if (/stalled more than allowable limit/.test(reason)) {
    return 'The workers of this run stopped again and again while they worked on it.';
  }
  return /[.!]$/.test(reason) ? reason : `The job of this run failed: ${reason || 'no reason was given'}.`;
}
