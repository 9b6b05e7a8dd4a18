import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.service';
import type { QueueCounts } from '../../platform/queue/queue-counts.service';
import { GaugeSampler, type Sample } from './gauge-sampler.service';

const MS_PER_S = 1_000;
const states = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const;

type Set = (value: number, labels?: Record<string, string>) => void;

/** The gauges, filled from one sample; a series of what could not be read is left out, never told from memory. */
@Injectable()
export class Gauges {
  private latest: Sample = {};

  constructor(
    private readonly sampler: GaugeSampler,
    private readonly registry: MetricsRegistry,
  ) {
    this.ofQueues();
    this.ofStores();
  }

  /** All series of this process as Prometheus reads them. Answers within a second, whatever is away. */
  async text(): Promise<string> {
    this.latest = await this.sampler.sample();
    return this.registry.metrics();
  }

  private ofQueues(): void {
    this.gauge('holdfast_queue_jobs', 'Jobs in a queue, by state.', ['queue', 'state'], ({ redis }, set) =>
      redis?.queues.forEach(({ name: queue, counts }) => {
        states.forEach((state) => set(counts[state], { queue, state }));
        set(counts.waitingChildren, { queue, state: 'waiting-children' });
      }),
    );
    const perQueue = (name: string, help: string, read: (counts: QueueCounts) => number) =>
      this.gauge(name, help, ['queue'], ({ redis }, set) =>
        redis?.queues.forEach(({ name: queue, counts }) => set(read(counts), { queue })),
      );
    perQueue(
      'holdfast_queue_backlog',
      'What workers would have to do: waiting, prioritised, active, and delayed jobs that are due.',
      ({ waiting, active, due }) => waiting + active + due,
    );
    perQueue(
      'holdfast_queue_oldest_waiting_age_seconds',
      'How long the oldest waiting job could have been running; 0 when none waits.',
      ({ oldestWaitingMs = 0 }) => oldestWaitingMs / MS_PER_S,
    );
    perQueue('holdfast_queue_paused', '1 when the jobs of the queue do not start.', ({ isPaused }) =>
      Number(isPaused),
    );
    this.gauge('holdfast_queue_workers', 'Connected workers, all processes.', ['queue'], ({ redis }, set) =>
      redis?.workers?.forEach((count, queue) => set(count, { queue })),
    );
    // The name and shape of document 003.
    this.gauge('bullmq_queue_size', 'Current queue size', [], ({ redis }, set) => {
      if (redis === undefined) return;
      set(redis.queues.reduce((sum, { counts }) => sum + counts.waiting + counts.active, 0));
    });
  }

  private ofStores(): void {
    this.gauge('holdfast_redis_up', '1 when Redis answered.', [], ({ redis }, set) =>
      set(Number(redis !== undefined)),
    );
    const memory = (name: string, help: string, field: 'usedBytes' | 'maxBytes') =>
      this.gauge(name, help, [], ({ redis }, set) => {
        if (redis?.nodes === undefined) return;
        set(redis.nodes.reduce((sum, node) => sum + node[field], 0));
      });
    memory('holdfast_redis_used_memory_bytes', 'What counts against maxmemory, all primaries.', 'usedBytes');
    memory('holdfast_redis_maxmemory_bytes', 'The limit of all primaries; 0 without one.', 'maxBytes');
    this.gauge(
      'holdfast_dead_letters',
      'Dead letters that nobody has decided about.',
      ['queue'],
      ({ deadLetters }, set) => deadLetters?.forEach((count, queue) => set(count, { queue })),
    );
    this.gauge(
      'holdfast_ledger_lag_seconds',
      'How long the oldest finished job has been waiting to be written to the history.',
      [],
      ({ ledgerLagMs }, set) => {
        if (ledgerLagMs !== undefined) set(ledgerLagMs / MS_PER_S);
      },
    );
  }

  private gauge(name: string, help: string, labelNames: string[], fill: (from: Sample, set: Set) => void) {
    const latest = () => this.latest;
    const metric = new Gauge({
      name,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset();
        // Without labels a reset leaves a zero, which would be a claim.
        if (labelNames.length === 0) this.remove();
        fill(latest(), (value, labels = {}) => this.set(labels, value));
      },
    });
    this.registry.registerMetric(metric);
  }
}
