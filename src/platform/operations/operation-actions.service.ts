import { Injectable } from '@nestjs/common';
import { DeadLetterRedrive, type RedriveOutcome } from '../dead-letter/dead-letter-redrive.service';
import { DeadLetterStore } from '../dead-letter/dead-letter.store';
import type { RedriveOrder } from '../dead-letter/dead-letter.tables';
import { JobRetry } from '../dead-letter/job-retry.service';
import { JobReader } from '../queue/job-reader.service';
import { JobRemovals } from '../queue/job-removals.service';
import type { JobState } from '../queue/job-snapshot';
import { isAway } from '../redis/redis-unavailable.error';
import { JobCancellation } from '../worker/job-cancellation.service';
import { JobCleaning } from './job-cleaning.service';
import type { ItemResult, Operation, OperationItem } from './operation.store';

const notStarted: readonly JobState[] = ['waiting', 'delayed'];

/** What each action does to a batch of items. Rejects when a store is away. */
@Injectable()
export class OperationActions {
  constructor(
    private readonly redrives: DeadLetterRedrive,
    private readonly letters: DeadLetterStore,
    private readonly retries: JobRetry,
    private readonly removals: JobRemovals,
    private readonly cancellation: JobCancellation,
    private readonly reader: JobReader,
    private readonly cleaning: JobCleaning,
  ) {}

  async run(operation: Operation, items: readonly OperationItem[]): Promise<ItemResult[]> {
    switch (operation.action) {
      case 'retry':
      case 'redrive':
        return this.redrive(operation, items);
      case 'discard':
        return moved(items, await this.letters.discard(targetsOf(items), decisionOf(operation)));
      case 'restore':
        return moved(items, await this.letters.restore(targetsOf(items), decisionOf(operation)));
      case 'remove':
        return this.each(operation, items, (id) => this.remove(operation, id));
      case 'clean':
        return this.cleaning.clean(operation, items);
      case 'promote':
        return this.each(operation, items, (id) => this.promote(operation, id));
      default:
        return this.each(operation, items, (id) => this.cancel(operation, id));
    }
  }

  /** How jobs that were sent back have ended, as far as they have. */
  async ended(items: readonly OperationItem[]): Promise<ItemResult[]> {
    const results = await Promise.all(items.map((item) => this.endOf(item)));
    return results.filter((result) => result !== undefined);
  }

  private async redrive(operation: Operation, items: readonly OperationItem[]): Promise<ItemResult[]> {
    const outcomes = await this.redrives.redrive(targetsOf(items), orderOf(operation));
    const byTarget = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
    return items.map(({ ordinal, target }) =>
      redriveResult(ordinal, byTarget.get(target), operation.usesWaves),
    );
  }

  private each(
    { tenant, request }: Operation,
    items: readonly OperationItem[],
    act: (target: string) => Promise<Omit<ItemResult, 'ordinal'>>,
  ): Promise<ItemResult[]> {
    return Promise.all(
      items.map(async ({ ordinal, target }) => {
        try {
          const job = await this.reader.read(target);
          // The job of another tenant is not there, except for who empties a whole queue.
          const isMeant = job !== undefined && (request.drain !== undefined || job.origin.tenant === tenant);
          if (!isMeant) return { ordinal, ...skipped('There is no such job.') };
          return { ordinal, ...(await act(target)) };
        } catch (error) {
          if (isAway(error)) throw error;
          return { ordinal, status: 'failure' as const, detail: String(error).slice(0, 300) };
        }
      }),
    );
  }

  private async remove(
    { reason, startedBy, request }: Operation,
    id: string,
  ): Promise<Omit<ItemResult, 'ordinal'>> {
    const onlyIn = request.drain === undefined ? undefined : notStarted;
    const isRemoved = await this.removals.remove(id, {
      kind: 'removed',
      reason,
      by: startedBy,
      ...(onlyIn && { onlyIn }),
    });
    return isRemoved ? { status: 'success' } : skipped('The job runs or has run, or there is none.');
  }

  private async cancel({ reason, startedBy }: Operation, id: string): Promise<Omit<ItemResult, 'ordinal'>> {
    const outcome = await this.cancellation.cancel(id, { reason, by: startedBy });
    if (outcome === 'removed') return { status: 'success' };
    if (outcome === 'requested')
      return { status: 'success', detail: 'The running handler was told to stop.' };
    return skipped(outcome === 'finished' ? 'The job has finished.' : 'There is no such job.');
  }

  private async promote({ tenant }: Operation, id: string): Promise<Omit<ItemResult, 'ordinal'>> {
    const outcome = await this.retries.promote(id, tenant);
    return outcome === 'promoted' ? { status: 'success' } : skipped('The job is not delayed.');
  }

  private async endOf({
    ordinal,
    jobId,
    generation,
    target,
  }: OperationItem): Promise<ItemResult | undefined> {
    if (jobId === null) return { ordinal, status: 'skipped' };
    const job = await this.reader.read(jobId);
    const isSame = job !== undefined && (job.origin.generation ?? 0) === generation;
    if (isSame && job.state === 'cancelled') return { ordinal, status: 'skipped', detail: 'Cancelled.' };
    if (isSame && job.state === 'completed') return { ordinal, status: 'success' };
    if (isSame && job.state !== 'failed') return undefined;
    // Gone from Redis, or sent back once more: then its next death tells how this run ended.
    const death = isSame ? job.failedReason : (await this.letters.deathAfter(target))?.errorMessage;
    return death === undefined
      ? { ordinal, status: 'success' }
      : { ordinal, status: 'failure', detail: death.slice(0, 300) };
  }
}

function redriveResult(ordinal: number, outcome: RedriveOutcome | undefined, usesWaves: boolean): ItemResult {
  switch (outcome?.kind) {
    case 'redriven': {
      const { jobId, generation } = outcome;
      return { ordinal, status: usesWaves ? 'sent' : 'success', jobId, generation };
    }
    case 'underway':
      return { ordinal, status: 'pending' };
    case 'refused':
      return { ordinal, status: 'skipped', detail: outcome.error.message.slice(0, 300) };
    default:
      return { ordinal, ...skipped('Somebody else has decided about it already.') };
  }
}

function moved(items: readonly OperationItem[], done: ReadonlySet<string>): ItemResult[] {
  return items.map(({ ordinal, target }) =>
    done.has(target)
      ? { ordinal, status: 'success' }
      : { ordinal, ...skipped('Somebody else has decided about it already.') },
  );
}

function skipped(detail: string): { status: 'skipped'; detail: string } {
  return { status: 'skipped', detail };
}

function targetsOf(items: readonly OperationItem[]): string[] {
  return items.map(({ target }) => target);
}

function decisionOf({ startedBy, reason }: Operation) {
  return { by: startedBy, reason };
}

function orderOf({ id, startedBy, reason, request }: Operation): RedriveOrder {
  const { target, type, resetAttempts } = request;
  return {
    by: startedBy,
    reason,
    operation: id,
    resetAttempts: resetAttempts !== false,
    ...(typeof target === 'string' && { target }),
    ...(typeof type === 'string' && { type }),
  };
}
