import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { Job, Worker, WorkerOptions } from 'bullmq';
import { Settings } from '../../config/settings';
import { AttemptLog } from '../queue/attempt-log.service';
import { logsInfo } from '../logging/logging.module';
import { JobConsumer } from '../queue/job-consumer';
import { SHUTDOWN_REASON } from '../queue/job-interruption';
import {
  assertBatchesFill,
  batchLimitsOf,
  concurrencyOf,
  keptAtEnd,
  limiterOf,
  queueDefaults,
  type QueueDefinition,
} from '../queue/define-queue';
import { RedisConnections } from '../redis/redis-connections.service';
import { queuePrefix } from '../redis/key-space';
import { KeyDispensers } from '../key-limits/key-dispensers.service';
import { JobStep } from '../queue/job-step';
import { workerName } from '../queue/worker-identity';
import { CancelWatch } from './cancel-watch.service';
import type { JobObserver } from './job-observer';
import { JobWorker } from './job-worker';
import { NextJobRuns } from './next-job-runs';
import { WorkerBreaker, type OpenBreaker } from './worker-breaker';

export type JobFailureListener = (job: Job, error: Error, isFinal: boolean) => void;
export type WorkerErrorListener = (queue: string, error: Error) => void;

type Consumer = JobConsumer<QueueDefinition>;

const ERROR_LOG_INTERVAL_MS = 10_000;
// Time for idle workers to say goodbye to Redis; one that is away gives no answer.
const IDLE_CLOSE_MS = 2_000;

/** Starts, watches and stops the workers of this process. */
@Injectable()
export class WorkerRunner implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Worker');
  private readonly failureListeners: JobFailureListener[] = [];
  private readonly errorListeners: WorkerErrorListener[] = [];
  private readonly observers: JobObserver[] = [];
  private readonly running = new Map<string, Consumer>();
  private readonly nextJobs = new NextJobRuns();
  private readonly workers = new Map<string, Worker>();
  private readonly breakers: WorkerBreaker[] = [];
  private consumers?: Map<string, Consumer>;
  private stopping = false;
  private wasCutOff = false;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
    private readonly attempts: AttemptLog,
    private readonly cancelWatch: CancelWatch,
    private readonly dispensers: KeyDispensers,
  ) {}

  /** Calls back after each failed attempt; `isFinal` when there will be no other. */
  onFailure(listener: JobFailureListener): void {
    this.failureListeners.push(listener);
  }

  /** Calls back with each error of a worker that is no job's, however many there are, until the worker stops. */
  onWorkerError(listener: WorkerErrorListener): void {
    this.errorListeners.push(listener);
  }

  /** From now on the observer hears of every job that runs in this process. */
  observe(observer: JobObserver): void {
    this.observers.push(observer);
  }

  /** Starts the workers of the queues that WORKER_QUEUES names. Throws when it names one that does not exist. */
  startChosen(): void {
    const known = [...this.known().keys()];
    const { WORKER_QUEUES } = this.settings;
    const chosen = WORKER_QUEUES === '*' ? known : WORKER_QUEUES.split(',');
    const unknown = chosen.filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      throw new Error(`WORKER_QUEUES names "${unknown.join('", "')}"; the queues are ${known.join(', ')}.`);
    }
    chosen.forEach((name) => this.start(name));
  }

  /** Starts one queue's worker in this process; false when it runs already, or nothing may start any more. */
  start(queue: string): boolean {
    const consumer = this.known().get(queue);
    if (consumer === undefined) throw new Error(`Queue "${queue}" has no processor in this process.`);
    if (this.stopping || this.running.has(queue)) return false;
    this.running.set(queue, consumer);
    // What goes wrong later is an event of the worker.
    void this.workerOf(consumer)
      .run()
      .catch(() => undefined);
    this.dispensers.start(consumer.definition);
    return true;
  }

  isRunning(queue: string): boolean {
    return this.running.has(queue);
  }

  runningQueues(): readonly string[] {
    return [...this.running.keys()];
  }

  /** The workers of this process that take no jobs for now, because Redis refuses their commands. */
  openBreakers(): readonly OpenBreaker[] {
    return this.breakers.flatMap(({ state }) => (state === undefined ? [] : [state]));
  }

  /** True once the deadline of a stop has cut a job off. */
  get hasCutJobsOff(): boolean {
    return this.wasCutOff;
  }

  /**
   * Takes the next waiting job of a queue and runs it here and now.
   * Resolves undefined when none waits. Throws when a worker of this process has the queue.
   */
  async processNext(queue: string): Promise<Job | undefined> {
    const consumer = this.known().get(queue);
    if (consumer === undefined) throw new Error(`Queue "${queue}" has no processor in this process.`);
    if (this.running.has(queue)) throw new Error(`The worker of queue "${queue}" is running.`);
    const worker = this.workerOf(consumer);
    await this.dispensers.of(consumer.definition)?.once();
    return this.nextJobs.run(worker);
  }

  // HTTP, queues and stores are still open in this phase, so that running jobs can finish as usual.
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.breakers.forEach((breaker) => breaker.stop());
    const workers = [...this.workers.values()];
    if (workers.length === 0) return;
    this.dispensers.pause();
    this.logger.log('Shutting down workers gracefully...');
    const closed = Promise.all(workers.map((worker) => this.close(worker)));
    // The last fifth of the time is for jobs to notice the abort and be given back.
    const { SHUTDOWN_TIMEOUT_MS } = this.settings;
    if (await settlesWithin(closed, this.hasWork() ? SHUTDOWN_TIMEOUT_MS * 0.8 : IDLE_CLOSE_MS)) return;
    if (this.hasWork()) {
      this.logger.warn('The deadline is near: jobs still running are given back to their queues.');
      this.known().forEach((consumer) => consumer.interruptAll(SHUTDOWN_REASON));
      if (await settlesWithin(closed, SHUTDOWN_TIMEOUT_MS * 0.15)) return;
    }
    if (this.hasWork()) {
      this.wasCutOff = true;
      this.logger.error(
        'Jobs that ignore their abort signal are left behind; another worker takes them over.',
      );
    }
    // A worker that waits for a Redis that is away closes only once its connection is given up.
    this.connections.worker.disconnect();
  }

  private async close(worker: Worker): Promise<void> {
    this.known().get(worker.name)?.hurryBatches();
    const byHand = this.nextJobs.of(worker);
    byHand.forEach((id) => this.known().get(worker.name)?.interrupt(id, SHUTDOWN_REASON));
    await this.nextJobs.ended(worker);
    await worker.close();
    await this.dispensers.stop(worker.name);
  }

  private hasWork(): boolean {
    return [...this.known().values()].some(({ activeJobs }) => activeJobs > 0);
  }

  private steps(): JobStep[] {
    return this.discovery
      .getProviders()
      .map(({ instance }) => instance as unknown)
      .filter((instance): instance is JobStep => instance instanceof JobStep);
  }

  private known(): Map<string, Consumer> {
    this.consumers ??= new Map(
      this.discovery
        .getProviders()
        .map(({ instance }) => instance as unknown)
        .filter((instance): instance is Consumer => instance instanceof JobConsumer)
        .map((consumer) => [consumer.definition.name, consumer]),
    );
    return this.consumers;
  }

  /**
   * The worker of a queue, built when it is first needed.
   * @nestjs/bullmq would build those of all queues at once, on the connection of their producers,
   * and each would look to everybody like a worker that runs.
   */
  private workerOf(consumer: Consumer): Worker {
    const { definition } = consumer;
    const existing = this.workers.get(definition.name);
    if (existing !== undefined) return existing;
    assertBatchesFill(definition, this.settings);
    const batch = batchLimitsOf(definition, this.settings);
    const dispenser = this.dispensers.of(definition);
    const options = {
      ...workerOptions(definition, this.settings),
      connection: this.connections.worker,
      prefix: queuePrefix(this.settings, definition.domain),
      concurrency: concurrencyOf(definition, this.settings),
    };
    const worker = new JobWorker(consumer, options, dispenser, keptAtEnd(definition, this.settings));
    consumer.equip({
      ...(dispenser !== undefined && { gate: dispenser }),
      steps: this.steps(),
      log: this.attempts,
      ...(batch !== undefined && { batch }),
      saysEachJob: logsInfo(this.settings),
      onUnfinished: (job, how) => this.observers.forEach((observer) => observer.unfinished(job, how)),
    });
    this.cancelWatch.add(consumer);
    // What WorkerHost gives its subclasses as `worker`.
    Object.assign(consumer, { _worker: worker });
    this.workers.set(definition.name, worker);
    this.watch(worker, definition);
    return worker;
  }

  private watch(worker: Worker, { name }: QueueDefinition): void {
    let lastLoggedAt = 0;
    const breaker = new WorkerBreaker(worker, name, this.logger);
    this.breakers.push(breaker);
    worker.on('error', (error) => {
      if (this.stopping) return;
      this.errorListeners.forEach((listener) => listener(name, error));
      const now = Date.now();
      if (breaker.take(error) || now - lastLoggedAt < ERROR_LOG_INTERVAL_MS) return;
      lastLoggedAt = now;
      this.logger.error(`Worker error in ${name}: ${error.message.slice(0, 300)}`);
    });
    worker.on('stalled', (id) => {
      this.logger.warn({ msg: `Job ${id} stalled and starts again`, jobId: id });
      this.observers.forEach((observer) => observer.stalled(name));
    });
    worker.on('active', (job) => this.observers.forEach((observer) => observer.started(job)));
    worker.on('completed', (job) => this.observers.forEach((observer) => observer.completed(job)));
    worker.on('failed', (job, error) => {
      if (job === undefined) return;
      const isFinal = job.finishedOn !== undefined;
      this.observers.forEach((observer) => observer.failed(job, error, isFinal));
      this.failureListeners.forEach((listener) => listener(job, error, isFinal));
    });
  }
}

function workerOptions(definition: QueueDefinition, settings: Settings): Omit<WorkerOptions, 'connection'> {
  const { lockDurationMs, stalledIntervalMs } = { ...queueDefaults, ...definition.worker };
  const limiter = limiterOf(definition, settings);
  return {
    autorun: false,
    lockDuration: lockDurationMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount: queueDefaults.maxStalledCount,
    skipVersionCheck: true,
    name: workerName,
    // A wait of a kind that nobody knows would leave the job active until it stalls.
    settings: { backoffStrategy: () => queueDefaults.backoff.delayMs },
    ...(limiter !== undefined && { limiter: { max: limiter.max, duration: limiter.durationMs } }),
  };
}

async function settlesWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const done = work.then(
    () => true,
    () => true,
  );
  const settled = await Promise.race([done, late]);
  clearTimeout(timer);
  return settled;
}
