import { BullModule, BullRegistrar } from '@nestjs/bullmq';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { Worker, type Job, type WorkerOptions } from 'bullmq';
import { Settings } from '../../config/settings';
import { JobConsumer, SHUTDOWN_REASON } from '../queue/job-consumer';
import { queueDefaults, type QueueDefinition } from '../queue/define-queue';
import { QueueRegistry } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { NextJobRuns } from './next-job-runs';

export type JobFailureListener = (job: Job, error: Error, isFinal: boolean) => void;

type Consumer = JobConsumer<QueueDefinition>;

const ERROR_LOG_INTERVAL_MS = 10_000;

/** Starts, watches and stops the workers of this process. */
@Injectable()
export class WorkerRunner implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Worker');
  private readonly failureListeners: JobFailureListener[] = [];
  private readonly running = new Map<string, Consumer>();
  private readonly nextJobs = new NextJobRuns();
  private consumers?: Map<string, Consumer>;
  private stopping = false;
  private wasCutOff = false;

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly discovery: DiscoveryService,
    private readonly registry: QueueRegistry,
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** Calls back after each failed attempt; `isFinal` when there will be no other. */
  onFailure(listener: JobFailureListener): void {
    this.failureListeners.push(listener);
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
    void consumer.worker.run();
    return true;
  }

  isRunning(queue: string): boolean {
    return this.running.has(queue);
  }

  runningQueues(): readonly string[] {
    return [...this.running.keys()];
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
    return this.nextJobs.run(consumer.worker);
  }

  // HTTP, queues and stores are still open in this phase, so that running jobs can finish as usual.
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    const workers = [...(this.consumers?.values() ?? [])].map(({ worker }) => worker);
    if (workers.length === 0) return;
    this.logger.log('Shutting down workers gracefully...');
    const closed = Promise.all(
      workers.map(async (worker) => {
        await this.nextJobs.stop(worker, SHUTDOWN_REASON);
        await worker.close();
      }),
    );
    // The last fifth of the time is for jobs to notice the abort and be given back.
    const { SHUTDOWN_TIMEOUT_MS } = this.settings;
    if (await settlesWithin(closed, SHUTDOWN_TIMEOUT_MS * 0.8)) return;
    this.logger.warn('The deadline is near: jobs still running are given back to their queues.');
    workers.forEach((worker) => worker.cancelAllJobs(SHUTDOWN_REASON));
    if (await settlesWithin(closed, SHUTDOWN_TIMEOUT_MS * 0.15)) return;
    this.wasCutOff = true;
    this.logger.error('Jobs that ignore their abort signal are left behind; another worker takes them over.');
  }

  private known(): Map<string, Consumer> {
    this.consumers ??= this.construct();
    return this.consumers;
  }

  /** Has @nestjs/bullmq build one idle worker per processor, on connections that suit a worker. */
  private construct(): Map<string, Consumer> {
    const { connections, registry } = this;
    // @nestjs/bullmq hands a queue's own connection to its worker; only the worker class can swap it.
    BullModule.workerClass = class extends Worker {
      constructor(name: string, processor: ConstructorParameters<typeof Worker>[1], options: WorkerOptions) {
        const definition = registry.get(name)?.definition;
        super(name, processor, { ...options, ...workerOptions(definition), connection: connections.worker });
      }
    };
    this.moduleRef.get(BullRegistrar, { strict: false }).register();
    const consumers = new Map<string, Consumer>();
    for (const { instance } of this.discovery.getProviders()) {
      if (instance instanceof JobConsumer) {
        this.watch(instance);
        consumers.set(instance.definition.name, instance);
      }
    }
    return consumers;
  }

  private watch({ worker, definition }: Consumer): void {
    let lastLoggedAt = 0;
    worker.on('error', (error) => {
      const now = Date.now();
      if (this.stopping || now - lastLoggedAt < ERROR_LOG_INTERVAL_MS) return;
      lastLoggedAt = now;
      this.logger.error(`Worker error in ${definition.name}: ${error.message.slice(0, 300)}`);
    });
    worker.on('stalled', (id) => this.logger.warn({ msg: `Job ${id} stalled and starts again`, jobId: id }));
    // A handler that lost its lock works beside its successor: stop it before its next effect.
    worker.on('lockRenewalFailed', (ids) => ids.forEach((id) => worker.cancelJob(id, 'lock was lost')));
    worker.on('failed', (job, error) => {
      if (job === undefined) return;
      const isFinal = job.finishedOn !== undefined;
      this.failureListeners.forEach((listener) => listener(job, error, isFinal));
    });
  }
}

function workerOptions(definition: QueueDefinition | undefined): Partial<WorkerOptions> {
  const {
    concurrency = 1,
    limiter,
    lockDurationMs = queueDefaults.lockDurationMs,
  } = definition?.worker ?? {};
  return {
    autorun: false,
    concurrency,
    lockDuration: lockDurationMs,
    stalledInterval: queueDefaults.stalledIntervalMs,
    maxStalledCount: queueDefaults.maxStalledCount,
    skipVersionCheck: true,
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
