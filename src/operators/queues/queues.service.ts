import { Injectable } from '@nestjs/common';
import { Settings } from '../../config/settings';
import {
  concurrencyOf,
  limiterOf,
  queueDefaults,
  retentionOf,
  type QueueDefinition,
} from '../../platform/queue/define-queue';
import { priorities } from '../../platform/queue/priority';
import { QueueCounter, type QueueCounts } from '../../platform/queue/queue-counts.service';
import { QueuePauses, type QueuePause } from '../../platform/queue/queue-pauses.service';
import type { RegisteredQueue } from '../../platform/queue/queue-registry.service';
import { WorkerCensus } from '../../platform/queue/worker-census.service';
import { QueueActions } from './queue-actions.service';
import type { QueueLimits, QueueSettings } from './queue-settings.dto';
import type { QueueStats, QueueStatsEntry } from './queue-stats.dto';

interface Reading {
  readonly entry: RegisteredQueue;
  readonly counts: QueueCounts;
  readonly workers: number | null;
}

/** What operators see of the queues: how full they are, and how they are set up. */
@Injectable()
export class QueuesService {
  constructor(
    private readonly actions: QueueActions,
    private readonly pauses: QueuePauses,
    private readonly counter: QueueCounter,
    private readonly census: WorkerCensus,
    private readonly environment: Settings,
  ) {}

  /** Counts all queues, or the one that is named. */
  async stats(name?: string): Promise<QueueStats> {
    const readings = await this.read(this.actions.chosen(name));
    const stats = readings.map(toStats);
    const sum = (part: (entry: QueueStatsEntry) => number) =>
      stats.reduce((total, entry) => total + part(entry), 0);
    const ages = stats.flatMap(({ oldestWaitingMs }) => oldestWaitingMs ?? []);
    return {
      waiting: sum(({ waiting }) => waiting),
      unprioritized: sum(({ unprioritized }) => unprioritized),
      prioritized: sum(({ prioritized }) => prioritized),
      active: sum(({ active }) => active),
      completed: sum(({ completed }) => completed),
      failed: sum(({ failed }) => failed),
      delayed: sum(({ delayed }) => delayed),
      waitingChildren: sum(({ waitingChildren }) => waitingChildren),
      paused: sum(({ waiting, paused }) => (paused ? waiting : 0)),
      backlog: sum(({ backlog }) => backlog),
      oldestWaitingMs: ages.length === 0 ? null : Math.max(...ages),
      stats,
    };
  }

  /** How each queue is set up, or the one that is named. */
  async settings(name?: string): Promise<QueueSettings[]> {
    const readings = await this.read(this.actions.chosen(name));
    const [limits, pauses] = await Promise.all([
      Promise.all(readings.map(({ entry }) => limitsOf(entry))),
      this.pauses.read(readings.map(({ entry }) => entry.definition.name)),
    ]);
    return readings.map((reading, at) => ({
      ...toSettings(reading, this.environment),
      limits: limits[at] ?? { concurrency: null, rateLimit: null },
      // A note says nothing of a queue that runs.
      pause: reading.counts.isPaused ? pauseView(pauses.get(reading.entry.definition.name)) : null,
    }));
  }

  private async read(entries: readonly RegisteredQueue[]): Promise<Reading[]> {
    const [counts, workers] = await Promise.all([
      Promise.all(entries.map((entry) => this.counter.count(entry))),
      this.census.count(entries),
    ]);
    return entries.flatMap((entry, at) => {
      const own = counts[at];
      return own === undefined
        ? []
        : [{ entry, counts: own, workers: workers?.get(entry.definition.name) ?? null }];
    });
  }
}

function toStats({ entry, counts, workers }: Reading): QueueStatsEntry {
  const { waiting, unprioritized, prioritized, active, completed, failed, delayed, due } = counts;
  return {
    name: entry.definition.name,
    waiting,
    unprioritized,
    prioritized,
    active,
    completed,
    failed,
    delayed,
    waitingChildren: counts.waitingChildren,
    paused: counts.isPaused,
    backlog: waiting + active + due,
    oldestWaitingMs: counts.oldestWaitingMs ?? null,
    workers,
  };
}

async function limitsOf({ queue }: RegisteredQueue): Promise<QueueLimits> {
  const [concurrency, rateLimit] = await Promise.all([
    queue.getGlobalConcurrency(),
    queue.getGlobalRateLimit(),
  ]);
  return {
    concurrency,
    rateLimit: rateLimit === null ? null : { max: rateLimit.max, durationMs: rateLimit.duration },
  };
}

function pauseView({ by, since, reason, until }: Partial<QueuePause> = {}): QueueSettings['pause'] {
  return {
    by: by ?? null,
    since: since === undefined ? null : new Date(since).toISOString(),
    reason: reason ?? null,
    until: until === undefined ? null : new Date(until).toISOString(),
  };
}

function toSettings(
  { entry: { definition }, counts, workers }: Reading,
  environment: Settings,
): Omit<QueueSettings, 'limits' | 'pause'> {
  const { name, domain, description, worker } = definition;
  return {
    name,
    domain,
    description,
    concurrency: concurrencyOf(definition, environment),
    limiter: limiterOf(definition, environment) ?? null,
    attempts: queueDefaults.attempts,
    backoff: queueDefaults.backoff,
    retention: retentionOf(definition, environment),
    priorities: definition.hasPriorities === true ? [...priorities] : ['normal'],
    types: jobTypes(definition),
    lockDurationMs: worker.lockDurationMs ?? queueDefaults.lockDurationMs,
    paused: counts.isPaused,
    workers,
  };
}

function jobTypes({ jobs }: QueueDefinition): QueueSettings['types'] {
  return Object.entries(jobs).map(([type, job]) => ({
    type,
    description: job.description ?? null,
    attempts: job.attempts ?? queueDefaults.attempts,
    backoff: job.backoff ?? queueDefaults.backoff,
    priority: job.priority ?? 'normal',
  }));
}
