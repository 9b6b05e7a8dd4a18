import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Job } from 'bullmq';
import { Counter } from 'prom-client';
import { originOf } from '../queue/add-job';
import { addOutcomes, observeAdds, type AddOutcome } from '../queue/add-observer';
import { JobCancelledError } from '../queue/job-interruption';
import { QueueRegistry } from '../queue/queue-registry.service';
import type { JobObserver, UnfinishedAttempt } from '../worker/job-observer';
import { WorkerRunner } from '../worker/worker-runner.service';
import { MetricsRegistry } from './metrics-registry.service';
import { TalliedHistogram, type Tally } from './tallied-histogram';

/** Stands for every name that the registry does not know, so that nobody can make series by making names up. */
export const OTHER = 'other';

const jobOutcomes = ['completed', 'retried', 'dead', 'cancelled', 'returned', 'lost'] as const;
type JobOutcome = (typeof jobOutcomes)[number];

// From a job that does nothing to one that reads a million rows; waits grow longer than runs.
const RUN_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
const WAIT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];
const MS_PER_S = 1_000;

/** What is counted of one job type. */
interface Series {
  readonly labels: { readonly queue: string; readonly type: string };
  readonly finished: Record<JobOutcome, number>;
  readonly enqueued: Record<AddOutcome, number>;
  readonly wait: Tally;
  readonly run: Tally;
}

interface QueueSeries {
  readonly byType: ReadonlyMap<string, Series>;
  readonly other: Series;
  stalled: number;
}

/** Counts jobs as they are added and run in this process. A job costs a few additions, and no command to Redis. */
@Injectable()
export class JobMetrics implements JobObserver, OnApplicationBootstrap {
  private readonly queues = new Map<string, QueueSeries>();
  private readonly wait: TalliedHistogram;
  private readonly run: TalliedHistogram;

  constructor(
    private readonly registry: QueueRegistry,
    private readonly runner: WorkerRunner,
    private readonly metrics: MetricsRegistry,
  ) {
    this.wait = this.histogram(
      'holdfast_job_wait_duration_seconds',
      'From the moment a new job could run to its first start.',
      WAIT_BOUNDS,
    );
    this.run = this.histogram(
      'holdfast_job_run_duration_seconds',
      'How long attempts ran that completed or failed.',
      RUN_BOUNDS,
    );
  }

  /** Every series is there from the first moment, at zero. */
  onApplicationBootstrap(): void {
    for (const { definition, queue } of this.registry.all()) {
      const { name, jobs } = definition;
      const byType = new Map(Object.keys(jobs).map((type) => [type, this.series(name, type)]));
      const own: QueueSeries = { byType, other: this.series(name, OTHER), stalled: 0 };
      this.queues.set(name, own);
      observeAdds(queue, (type, outcome) => (byType.get(type) ?? own.other).enqueued[outcome]++);
    }
    this.countWithEachScrape();
    this.runner.observe(this);
  }

  started(job: Job): void {
    const { attemptsStarted, processedOn, timestamp, opts } = job;
    // A job that was sent back after its death, or that was tried before, has not waited since it was added.
    if (attemptsStarted !== 1 || processedOn === undefined || originOf(job).generation !== undefined) return;
    this.of(job)?.wait.observe(secondsBetween(timestamp + (opts.delay ?? 0), processedOn));
  }

  completed(job: Job): void {
    const { finishedOn = Date.now(), processedOn = finishedOn } = job;
    this.end(job, 'completed', processedOn, finishedOn);
  }

  failed(job: Job, error: Error, isFinal: boolean): void {
    const { finishedOn = Date.now(), processedOn = finishedOn } = job;
    const isCancelled = isFinal && error.name === JobCancelledError.name;
    this.end(job, isCancelled ? 'cancelled' : isFinal ? 'dead' : 'retried', processedOn, finishedOn);
  }

  unfinished(job: Job, how: UnfinishedAttempt): void {
    const series = this.of(job);
    if (series !== undefined) series.finished[how] += 1;
  }

  stalled(queue: string): void {
    const own = this.queues.get(queue);
    if (own !== undefined) own.stalled += 1;
  }

  private end(job: Job, outcome: JobOutcome, from: number, to: number): void {
    const series = this.of(job);
    if (series === undefined) return;
    series.finished[outcome] += 1;
    series.run.observe(secondsBetween(from, to));
  }

  /** A job in Redis may have any name. */
  private of({ queueName, name }: Job): Series | undefined {
    const queue = this.queues.get(queueName);
    return queue?.byType.get(name) ?? queue?.other;
  }

  private series(queue: string, type: string): Series {
    const labels = { queue, type };
    return {
      labels,
      finished: zeros(jobOutcomes),
      enqueued: zeros(addOutcomes),
      wait: this.wait.tally(labels),
      run: this.run.tally(labels),
    };
  }

  private all(): Series[] {
    return [...this.queues.values()].flatMap(({ byType, other }) => [...byType.values(), other]);
  }

  private countWithEachScrape(): void {
    this.byOutcome(
      'holdfast_jobs_finished_total',
      'Attempts that ended in this process; "retried" failed and is tried again, "dead" failed for good.',
      'finished',
    );
    this.byOutcome('holdfast_jobs_enqueued_total', 'Jobs that this process was to add.', 'enqueued');
    this.counter('holdfast_jobs_stalled_total', 'Jobs found active without a worker.', ['queue'], (add) =>
      this.queues.forEach(({ stalled }, queue) => add({ queue }, stalled)),
    );
    // The name and shape of document 003.
    this.counter('bullmq_jobs_processed_total', 'Total jobs processed', [], (add) =>
      add(
        {},
        this.all().reduce((sum, { finished }) => sum + finished.completed, 0),
      ),
    );
  }

  private byOutcome(name: string, help: string, what: 'finished' | 'enqueued'): void {
    this.counter(name, help, ['queue', 'type', 'outcome'], (add) => {
      for (const series of this.all()) {
        for (const [outcome, count] of Object.entries(series[what])) {
          add({ ...series.labels, outcome }, count);
        }
      }
    });
  }

  private counter(
    name: string,
    help: string,
    labelNames: string[],
    fill: (add: (labels: Record<string, string>, count: number) => void) => void,
  ): void {
    const metric = new Counter({
      name,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset();
        fill((labels, count) => this.inc(labels, count));
      },
    });
    this.metrics.registerMetric(metric);
  }

  private histogram(name: string, help: string, bounds: readonly number[]): TalliedHistogram {
    return new TalliedHistogram({ name, help }, bounds, ['queue', 'type'], this.metrics);
  }
}

function zeros<const K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}

/** Two processes' clocks may differ, and a job may be promoted before its time: a wait is never negative. */
function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / MS_PER_S;
}
