import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { feedQueueName } from '../../config/feed-queue-name';
import { originOf } from '../../platform/queue/add-job';
import { JobRemovals } from '../../platform/queue/job-removals.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { WorkerRunner } from '../../platform/worker/worker-runner.service';
import { ImportFetches } from './import-fetch.store';
import { ImportOutcomes } from './import-outcomes.store';
import { fetchQueueName } from './import-run.store';
import { itemKeyOf } from './item-key';

interface EndedJob {
  readonly queue: string;
  readonly id: string;
  readonly tenant: string;
  readonly payload: unknown;
}

/** Who takes the jobs of cancelled imports out of their queue: their rows say so already. */
export const removedByImport = 'import';

/** Brings it into the rows of an import when a job of it dies, or is cancelled or removed by hand. */
@Injectable()
export class ImportJobEnds implements OnApplicationBootstrap {
  constructor(
    private readonly fetches: ImportFetches,
    private readonly outcomes: ImportOutcomes,
    private readonly workers: WorkerRunner,
    private readonly removals: JobRemovals,
  ) {}

  onApplicationBootstrap(): void {
    // What cannot be written now is found by the reconciler.
    this.workers.onFailure((job, error, isFinal) => {
      if (!isFinal || job.id === undefined) return;
      const { tenant } = originOf(job);
      const ended = { queue: job.queueName, id: job.id, tenant, payload: job.data as unknown };
      void this.note(ended, error.message).catch(() => undefined);
    });
    this.removals.beforeRemoval(async (job, { kind, reason, by }) => {
      if (by === removedByImport || isEnded(job)) return;
      const { queue, id, origin } = job;
      const said = kind === 'cancelled' ? 'cancelled' : 'removed';
      await this.note(
        { queue, id, tenant: origin.tenant, payload: payloadOf(job) },
        `Its job was ${said}: ${reason}`,
      );
    });
  }

  private async note({ queue, id, tenant, payload }: EndedJob, reason: string): Promise<void> {
    if (queue !== fetchQueueName && queue !== feedQueueName) return;
    const { importId, source, guid } = (payload ?? {}) as Record<string, unknown>;
    if (typeof importId !== 'string' || typeof source !== 'string' || !isUUID(importId)) return;
    if (queue === fetchQueueName) return this.fetches.abandon(importId, source, id, reason);
    if (typeof guid !== 'string') return;
    await this.outcomes.fail([{ importId, key: itemKeyOf(tenant, source, guid) }], reason);
  }
}

function isEnded({ state }: JobSnapshot): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled' || state === 'removed';
}

function payloadOf({ data }: JobSnapshot): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined;
  }
}
