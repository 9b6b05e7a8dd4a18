import type { Job, Queue } from 'bullmq';
import { addJob, type AddOptions } from './add-job';
import type { JobName, JobPayload, QueueDefinition } from './define-queue';

/** Typed, validating front of one queue. Workload producers extend it. */
export abstract class JobProducer<Q extends QueueDefinition> {
  protected constructor(
    private readonly definition: Q,
    private readonly queue: Queue,
  ) {}

  protected add<N extends JobName<Q>>(
    name: N,
    payload: JobPayload<Q, N> & object,
    options?: AddOptions,
  ): Promise<Job<JobPayload<Q, N>>> {
    return addJob(this.definition, this.queue, name, payload, options);
  }
}
