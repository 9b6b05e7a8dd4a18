import { Injectable } from '@nestjs/common';
import { and, eq } from 'drizzle-orm';
import { Database } from '../database/database.service';
import { LedgerSearch } from '../ledger/ledger-search.service';
import type { LedgerJob } from '../ledger/ledger-job';
import { outbox } from '../outbox/outbox.tables';
import { JobSets } from '../queue/job-sets.service';
import type { JobSnapshot } from '../queue/job-snapshot';
import { QueueRegistry } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { hasEnded, isOver, jobsOf, stateOf, type FlowJobStatus, type FlowStatus } from './flow-status';
import type { Flow, FlowJob } from './flows.tables';

type JobReading = Omit<FlowJobStatus, 'id' | 'queue' | 'type' | 'path' | 'name' | 'onFailure' | 'children'>;

const unstarted = { progress: 0, attemptsMade: 0, attemptsMax: 0 };

/** Reads how the jobs of a flow stand: from Redis, and from the ledger what that has let go. */
@Injectable()
export class FlowReader {
  constructor(
    private readonly database: Database,
    private readonly registry: QueueRegistry,
    private readonly connections: RedisConnections,
    private readonly sets: JobSets,
    private readonly ledger: LedgerSearch,
  ) {}

  /** One round trip per queue of the flow. Rejects with the error of Redis or of the database. */
  async read(flow: Flow): Promise<FlowStatus> {
    this.connections.assertReady();
    const found = await this.inRedis(flow.jobs);
    const missing = flow.jobs.filter(({ id }) => !found.has(id));
    if (missing.length > 0) {
      const isPromised = missing.length === flow.jobs.length && (await this.isPromised(flow));
      for (const { id } of missing) {
        found.set(id, isPromised ? { state: 'promised', ...unstarted } : await this.inLedger(id, flow));
      }
    }
    const [root] = flow.jobs as [FlowJob];
    return statusOf(flow, treeOf(root, flow.jobs, found));
  }

  private async inRedis(jobs: readonly FlowJob[]): Promise<Map<string, JobReading>> {
    const queues = [...new Set(jobs.map(({ queue }) => queue))];
    const readings = await Promise.all(
      queues.map(async (name) => {
        const entry = this.registry.get(name);
        const ids = jobs.filter(({ queue }) => queue === name).map(({ id }) => id);
        return entry === undefined ? [] : this.sets.read(entry, ids);
      }),
    );
    return new Map(readings.flat().map(({ job }) => [job.id, readingOf(job)]));
  }

  private async inLedger(id: string, { cancelledAt }: Flow): Promise<JobReading> {
    const job = await this.ledger.read(id);
    if (job !== undefined && hasEnded(job)) return ledgerReading(job);
    // Redis has lost what the ledger believes to be alive, or the ledger has not read yet why it went.
    return { state: cancelledAt === null ? 'removed' : 'cancelled', ...unstarted };
  }

  private async isPromised({ key, tenant, jobs, cancelledAt }: Flow): Promise<boolean> {
    if (cancelledAt !== null) return false;
    const [root] = jobs as [FlowJob];
    const rows = await this.database.query
      .select({ id: outbox.id })
      .from(outbox)
      .where(and(eq(outbox.jobType, root.type), eq(outbox.key, key), eq(outbox.tenant, tenant)))
      .limit(1);
    return rows.length > 0;
  }
}

function readingOf(job: JobSnapshot): JobReading {
  return {
    state: job.state,
    progress: job.state === 'completed' ? 100 : percentOf(job.progress),
    attemptsMade: job.attemptsMade,
    attemptsMax: job.attemptsMax,
    ...(job.startedAt !== undefined && { startedAt: job.startedAt }),
    ...(job.finishedAt !== undefined && { finishedAt: job.finishedAt }),
    ...(job.failedReason !== undefined && {
      error: { name: job.failedName ?? 'Error', message: job.failedReason.slice(0, 500) },
    }),
  };
}

function ledgerReading(job: LedgerJob): JobReading {
  return {
    state: job.state,
    progress: job.state === 'completed' ? 100 : 0,
    attemptsMade: job.attemptsMade,
    attemptsMax: job.attemptsMax,
    ...(job.startedAt !== undefined && { startedAt: job.startedAt }),
    ...(job.finishedAt !== undefined && { finishedAt: job.finishedAt }),
    ...(job.error !== undefined && { error: job.error }),
  };
}

function treeOf(
  job: FlowJob,
  jobs: readonly FlowJob[],
  found: ReadonlyMap<string, JobReading>,
): FlowJobStatus {
  const { id, queue, type, path, onFailure } = job;
  return {
    id,
    queue,
    type,
    path,
    name: path.split('.').at(-1) ?? '',
    ...(onFailure !== undefined && { onFailure }),
    ...(found.get(id) ?? { state: 'removed', ...unstarted }),
    children: jobs.filter(({ parent }) => parent === path).map((child) => treeOf(child, jobs, found)),
  };
}

function statusOf(flow: Flow, root: FlowJobStatus): FlowStatus {
  const all = jobsOf(root);
  const state = stateOf(root, flow.cancelledAt !== null);
  const ignored = all.filter((job) => job.state === 'failed' && job.onFailure === 'degrades-parent');
  return {
    id: flow.id,
    key: flow.key,
    state,
    progress:
      state === 'completed'
        ? 100
        : Math.floor(all.reduce((sum, { progress }) => sum + progress, 0) / all.length),
    createdAt: flow.createdAt.getTime(),
    ...(isOver({ state }) && root.finishedAt !== undefined && { finishedAt: root.finishedAt }),
    ignoredFailures: ignored.map(({ path, id }) => ({ path, jobId: id })),
    root,
  };
}

function percentOf(progress: unknown): number {
  const percent =
    typeof progress === 'object' && progress !== null
      ? (progress as { percent?: unknown }).percent
      : progress;
  return typeof percent === 'number' && Number.isFinite(percent) ? Math.min(100, Math.max(0, percent)) : 0;
}
