import { Injectable } from '@nestjs/common';
import { DeadLetterParker } from '../dead-letter/dead-letter-parker.service';
import { DeadLetterStore } from '../dead-letter/dead-letter.store';
import type { DeadLetterFilter } from '../dead-letter/dead-letter-filter';
import { QueueRegistry } from '../queue/queue-registry.service';
import { OperationRunner } from './operation-runner.service';
import { OperationStore, type Operation } from './operation.store';
import type { OperationAction } from './operations.tables';

/** The most that one operation takes in; what is left over is for the next one. */
export const MAX_TARGETS = 100_000;
const SAMPLE_SIZE = 10;
const DEFAULT_MAX_FAILURE_RATIO = 0.5;
const IDS_PER_LOOKUP = 500;

export interface OperationWish {
  readonly action: OperationAction;
  /** Which dead letters, for an action on those. */
  readonly filter?: DeadLetterFilter;
  /** Dead letters for redrive, discard and restore; jobs for the others. */
  readonly ids?: readonly string[];
  readonly reason: string;
  readonly startedBy: string;
  /** Whose jobs and dead letters; nothing of another tenant is touched. */
  readonly tenant?: string;
  readonly ratePerSecond?: number;
  /** 1, then 10, then 100 jobs and so on, each wave only when the one before went well; true unless said otherwise. */
  readonly usesWaves?: boolean;
  readonly maxFailureRatio?: number;
  readonly target?: string;
  readonly type?: string;
  readonly resetAttempts?: boolean;
}

/** What an operation would be about. */
export interface OperationPlan {
  readonly targets: readonly string[];
  readonly missing: readonly string[];
  /** How many of each queue. */
  readonly byQueue: Readonly<Record<string, number>>;
  readonly sample: readonly string[];
}

interface Target {
  readonly id: string;
  readonly queue: string;
}

const isAboutJobs = (action: OperationAction): boolean =>
  action === 'remove' || action === 'promote' || action === 'cancel';
const sendsBack = (action: OperationAction): boolean => action === 'retry' || action === 'redrive';

/** Plans and starts bulk actions. */
@Injectable()
export class Operations {
  constructor(
    private readonly letters: DeadLetterStore,
    private readonly parker: DeadLetterParker,
    private readonly registry: QueueRegistry,
    private readonly store: OperationStore,
    private readonly runner: OperationRunner,
  ) {}

  /** What the operation would be about, without doing any of it. */
  async plan(wish: OperationWish): Promise<OperationPlan> {
    const { action, ids, tenant } = wish;
    const found = await this.targets(wish);
    const byQueue: Record<string, number> = {};
    for (const { queue } of found) byQueue[queue] = (byQueue[queue] ?? 0) + 1;
    const targets = found.map(({ id }) => id);
    const named = ids === undefined ? [] : [...new Set(ids)];
    const known = new Set(action === 'retry' ? await this.letters.jobsOf(targets, tenant) : targets);
    return {
      targets,
      missing: named.filter((id) => !known.has(id)),
      byQueue,
      sample: targets.slice(0, SAMPLE_SIZE),
    };
  }

  /** Begins with targets that are known: finished jobs to clean, or jobs that wait in a queue to be emptied. */
  async startWith(
    wish: Pick<OperationWish, 'reason' | 'startedBy' | 'tenant'>,
    action: 'clean' | 'remove',
    request: Record<string, unknown>,
    targets: readonly string[],
  ): Promise<Operation> {
    const operation = await this.store.create({
      ...wish,
      action,
      request,
      usesWaves: false,
      maxFailureRatio: 1,
      targets,
      missing: [],
      queues: [],
    });
    this.runner.wake();
    return operation;
  }

  /** Throws QueueBusyError while another operation sends jobs back to one of the queues. */
  async start(wish: OperationWish): Promise<Operation> {
    const { action, reason, startedBy, tenant, ratePerSecond, maxFailureRatio, target } = wish;
    const { usesWaves = true } = wish;
    const { targets, missing, byQueue } = await this.plan(wish);
    const operation = await this.store.create({
      action,
      reason,
      startedBy,
      ...(tenant !== undefined && { tenant }),
      request: requestOf(wish),
      ...(ratePerSecond !== undefined && { ratePerSecond }),
      usesWaves: usesWaves && sendsBack(action),
      maxFailureRatio: maxFailureRatio ?? DEFAULT_MAX_FAILURE_RATIO,
      targets,
      missing,
      queues: sendsBack(action) ? (target === undefined ? Object.keys(byQueue) : [target]) : [],
    });
    this.runner.wake();
    return operation;
  }

  private async targets({ action, filter, ids, tenant }: OperationWish): Promise<Target[]> {
    if (isAboutJobs(action)) {
      return [...new Set(ids)].flatMap((id) => {
        const queue = this.registry.ofJob(id)?.definition.name;
        return queue === undefined ? [] : [{ id, queue }];
      });
    }
    const status = action === 'restore' ? 'discarded' : 'dead';
    if (action !== 'retry' || ids === undefined) {
      return this.letters.targets({ ...filter, ...(ids && { ids }), status }, MAX_TARGETS, tenant);
    }
    await this.park(ids);
    return this.letters.targets({ jobIds: ids, status }, MAX_TARGETS, tenant);
  }

  /** A job that has died a moment ago may have no dead letter yet. */
  private async park(jobs: readonly string[]): Promise<void> {
    for (const entry of this.registry.all()) {
      const own = jobs.filter((id) => this.registry.ofJob(id) === entry);
      for (let at = 0; at < own.length; at += IDS_PER_LOOKUP) {
        await this.parker.parked(entry, own.slice(at, at + IDS_PER_LOOKUP));
      }
    }
  }
}

/** As it was asked, without a list of ids that the items hold anyway. */
function requestOf({ filter, ids, target, type, resetAttempts }: OperationWish): Record<string, unknown> {
  return {
    ...(filter !== undefined && { filter }),
    ...(ids !== undefined && { ids: ids.length }),
    ...(target !== undefined && { target }),
    ...(type !== undefined && { type }),
    ...(resetAttempts !== undefined && { resetAttempts }),
  };
}
