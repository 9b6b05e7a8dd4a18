import { Injectable } from '@nestjs/common';
import { Settings } from '../../config/settings';
import type { Principal } from '../../platform/auth/principal';
import { JobCleaning } from '../../platform/operations/job-cleaning.service';
import type { Operation } from '../../platform/operations/operation.store';
import { Operations } from '../../platform/operations/operations.service';
import { problem } from '../../platform/problems/problem-catalogue';
import { limiterOf } from '../../platform/queue/define-queue';
import type { FinishedState } from '../../platform/queue/job-snapshot';
import { QueuePauses } from '../../platform/queue/queue-pauses.service';
import { QueueRegistry, type RegisteredQueue } from '../../platform/queue/queue-registry.service';
import {
  MAX_REMOVED,
  MAX_REMOVED_AT_ONCE,
  type CleanDto,
  type CleanedDto,
  type DrainDto,
  type DrainPlanDto,
  type PausedDto,
  type PauseQueuesDto,
  type QueueLimitsDto,
} from './queue-actions.dto';

const DEFAULT_CLEAN_LIMIT = 1_000;
const MAX_PAUSE_MS = 366 * 86_400_000;

/** What operators do to whole queues: pause, resume, limit, clean, empty. */
@Injectable()
export class QueueActions {
  constructor(
    private readonly registry: QueueRegistry,
    private readonly pauses: QueuePauses,
    private readonly cleaning: JobCleaning,
    private readonly operations: Operations,
    private readonly settings: Settings,
  ) {}

  /** All queues, or the one that is named. Throws `queue_not_found`. */
  chosen(name?: string): readonly RegisteredQueue[] {
    if (name === undefined) return this.registry.all();
    const entry = this.registry.get(name);
    if (entry !== undefined) return [entry];
    const known = this.registry.all().map(({ definition }) => definition.name);
    throw problem('queue_not_found', {
      detail: `There is no queue "${name.slice(0, 63)}". The queues are ${known.slice(0, 50).join(', ')}.`,
    });
  }

  async pause({ queue, reason, until }: PauseQueuesDto, { id: by }: Principal): Promise<PausedDto> {
    const entries = this.chosen(queue);
    const end = until === undefined ? undefined : endOf(until);
    for (const entry of entries) {
      await this.pauses.pause(entry, {
        by,
        ...(reason !== undefined && { reason }),
        ...(end !== undefined && { until: end }),
      });
    }
    return { paused: true, queues: namesOf(entries) };
  }

  async resume(queue?: string): Promise<PausedDto> {
    const entries = this.chosen(queue);
    for (const entry of entries) await this.pauses.resume(entry);
    return { paused: false, queues: namesOf(entries) };
  }

  /** The operation that goes on in the background where there is too much for one request. */
  async clean(state: FinishedState, body: CleanDto, principal: Principal): Promise<CleanedDto | Operation> {
    const { olderThanMs, queue, limit = DEFAULT_CLEAN_LIMIT, dryRun = false, reason } = body;
    const finishedBefore = Date.now() - olderThanMs;
    const wish = { entries: this.chosen(queue), state, finishedBefore };
    const byQueue = await this.cleaning.count(wish);
    const total = Object.values(byQueue).reduce((sum, count) => sum + count, 0);
    if (!dryRun && Math.min(limit, total) > MAX_REMOVED_AT_ONCE) {
      return this.operations.startWith(
        { reason: reason ?? `Cleaned: ${state}.`, startedBy: principal.id, tenant: principal.tenant },
        'clean',
        { state, olderThanMs, ...(queue !== undefined && { queue }) },
        await this.cleaning.targets(wish, limit),
      );
    }
    const { removed, kept } = dryRun ? { removed: 0, kept: 0 } : await this.cleaning.cleanNow(wish, limit);
    const any = Object.entries(byQueue).filter(([, count]) => count > 0);
    return {
      dryRun,
      removed,
      kept,
      remaining: Math.max(0, total - removed),
      byQueue: Object.fromEntries(any),
    };
  }

  /** Removes what waits in a queue, unseen by any worker; each job's history says why. */
  async drain(
    name: string,
    { confirm, reason, dryRun }: DrainDto,
    principal: Principal,
  ): Promise<DrainPlanDto | Operation> {
    const [entry] = this.chosen(name);
    if (confirm !== name) {
      const detail = `must be "${name}", the name of the queue whose jobs are to be removed`;
      throw problem('validation_failed', {
        detail: `"confirm" ${detail}.`,
        errors: [{ pointer: '#/confirm', detail, code: 'confirm' }],
      });
    }
    const targets = await this.cleaning.notStarted(entry!, MAX_REMOVED);
    if (dryRun === true) return { dryRun: true, waiting: targets.length };
    const who = { reason, startedBy: principal.id, tenant: principal.tenant };
    return this.operations.startWith(who, 'remove', { drain: name }, targets);
  }

  /** What is not named stays as it is. */
  async limit(name: string, { concurrency, rateLimit }: QueueLimitsDto): Promise<void> {
    const [entry] = this.chosen(name);
    const { queue, definition } = entry!;
    if (rateLimit != null) refuseOtherWindow(rateLimit.durationMs, limiterOf(definition, this.settings));
    if (concurrency === null) await queue.removeGlobalConcurrency();
    else if (concurrency !== undefined) await queue.setGlobalConcurrency(concurrency);
    if (rateLimit === null) await queue.removeGlobalRateLimit();
    else if (rateLimit !== undefined) await queue.setGlobalRateLimit(rateLimit.max, rateLimit.durationMs);
  }
}

/** BullMQ counts in the window of its worker, whatever the queue's own limit says. */
function refuseOtherWindow(durationMs: number, limiter: ReturnType<typeof limiterOf>): void {
  if (limiter === undefined || limiter.durationMs === durationMs) return;
  const detail = `must be ${limiter.durationMs}: the workers of this queue count in such windows`;
  throw problem('validation_failed', {
    detail: `"durationMs" ${detail}.`,
    errors: [{ pointer: '#/rateLimit/durationMs', detail, code: 'durationMs' }],
  });
}

function namesOf(entries: readonly RegisteredQueue[]): string[] {
  return entries.map(({ definition }) => definition.name);
}

function endOf(until: string): number {
  const end = Date.parse(until);
  const now = Date.now();
  if (end > now && end <= now + MAX_PAUSE_MS) return end;
  const detail = 'must be a time to come, at most a year from now';
  throw problem('validation_failed', {
    detail: `"until" ${detail}.`,
    errors: [{ pointer: '#/until', detail, code: 'until' }],
  });
}
