import { Injectable } from '@nestjs/common';
import { problem } from '../../platform/problems/problem-catalogue';
import { addedSnapshot } from '../../platform/queue/added-job';
import { JobReader } from '../../platform/queue/job-reader.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { WorkerPresence } from '../../platform/worker/worker-presence.service';
import { WorkerRunner } from '../../platform/worker/worker-runner.service';
import type { TestJobData } from '../../workloads/tasks/default/default.payload';
import { DefaultProducer } from '../../workloads/tasks/default/default.producer';
import { QueueTestStatus } from './queue-test-status.service';
import type { QueueTestStatusDto, QueueTestWorkerDto } from './queue-test.dto';

/** Shows on one queue that Redis, producer and worker do their part, as document 000 asks. */
@Injectable()
export class QueueTestService {
  constructor(
    private readonly status: QueueTestStatus,
    private readonly producer: DefaultProducer,
    private readonly runner: WorkerRunner,
    private readonly presence: WorkerPresence,
    private readonly reader: JobReader,
  ) {}

  async read(): Promise<QueueTestStatusDto> {
    const queue = await this.status.counts();
    const [redis, worker] = await Promise.all([this.status.redis(), this.worker()]);
    return { queue, redis, worker };
  }

  async addJob(
    payload: TestJobData,
    by: { readonly tenant: string; readonly caller: string },
  ): Promise<JobSnapshot> {
    return addedSnapshot(await this.producer.addTestJob(payload, by));
  }

  /** Starts the queue's worker in this process. Throws a 409 problem when it runs here already. */
  async startWorker(): Promise<QueueTestWorkerDto> {
    if (this.runner.isRunning(this.queue)) throw this.running('It runs in this process already.');
    if (!this.runner.start(this.queue)) throw problem('shutting_down');
    return this.worker();
  }

  /**
   * Works one waiting job in this request; undefined when none waits.
   * Throws a 409 problem while a worker of any process has the queue, for the two would race for the job.
   */
  async processNext(): Promise<JobSnapshot | undefined> {
    if (await this.presence.isWorked(this.queue)) {
      throw this.running('It takes the waiting jobs itself.');
    }
    const job = await this.runner.processNext(this.queue);
    if (job === undefined) return undefined;
    return (await this.reader.read(job.id ?? '')) ?? addedSnapshot(job);
  }

  private get queue(): string {
    return this.status.entry.definition.name;
  }

  private async worker(): Promise<QueueTestWorkerDto> {
    const runningHere = this.runner.isRunning(this.queue);
    return { running: runningHere || (await this.presence.isWorked(this.queue)), runningHere };
  }

  private running(why: string) {
    return problem('worker_running', { detail: `A worker of queue "${this.queue}" is running. ${why}` });
  }
}
