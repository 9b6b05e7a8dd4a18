import { Injectable } from '@nestjs/common';
import type { JobQuota } from '../../platform/limits/caller-limits.service';
import { problem } from '../../platform/problems/problem-catalogue';
import { addedSnapshot, rememberedSnapshot } from '../../platform/queue/added-job';
import { addPrepared, jobOf, prepareJob } from '../../platform/queue/add-job';
import { UnknownJobTypeError } from '../../platform/queue/job-dispatcher.service';
import { JobReader } from '../../platform/queue/job-reader.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { QueueRegistry, type RegisteredJobType } from '../../platform/queue/queue-registry.service';
import type { PreparedJob, StoredOutcome } from '../../platform/queue/store-jobs';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import type { CreateJobDto, JobOptionsDto } from './create-job.dto';
import { JobHistory } from './job-history.service';
import { addOptionsOf, warningsOf, type Asker } from './job-options';

export interface Enqueued {
  readonly job: JobSnapshot;
  /** Whether the caller's key named a job that was there before. */
  readonly isDuplicate: boolean;
  readonly warnings: readonly string[];
}

/** Enqueues one job of any registered type, and says what became of it. */
@Injectable()
export class JobEnqueuer {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly reader: JobReader,
    private readonly history: JobHistory,
  ) {}

  /** Throws problems, and what the platform throws for a payload, a queue or a Redis that refuses. */
  async enqueue({ type, data, options }: CreateJobDto, asker: Asker, quota: JobQuota): Promise<Enqueued> {
    this.connections.assertReady();
    const known = this.known(type);
    const wanted: JobOptionsDto = options ?? {};
    const { definition, queue } = known;
    const prepared = await prepareJob(definition, queue, type, data, addOptionsOf(wanted, known, asker));
    await quota(1);
    const [outcome] = await addPrepared(definition, queue, [prepared]);
    const job = await this.jobBehind(known, prepared, outcome!, asker.tenant);
    if (outcome!.isConflict) throw keyConflict(job);
    // A repeated request without a key of its own gets the answer of the first one.
    const isDuplicate = !outcome!.isNew && wanted.jobId != null;
    return { job, isDuplicate, warnings: warningsOf(wanted, known) };
  }

  /** Throws UnknownJobTypeError and `job_type_bound`. */
  known(type: string): RegisteredJobType {
    const known = this.registry.type(type);
    if (known?.job.startedBy !== undefined) {
      throw problem('job_type_bound', {
        detail: `Jobs of type "${type}" are started by ${known.job.startedBy}.`,
      });
    }
    if (known !== undefined) return known;
    throw new UnknownJobTypeError(
      type,
      this.registry.types().flatMap((one) => (one.job.startedBy === undefined ? [one.type] : [])),
    );
  }

  private async jobBehind(
    { queue }: RegisteredJobType,
    prepared: PreparedJob,
    { isNew, known }: StoredOutcome,
    tenant: string,
  ): Promise<JobSnapshot> {
    const fresh = addedSnapshot(jobOf(queue, prepared));
    if (isNew) return fresh;
    const job = (await this.reader.read(prepared.id)) ?? (await this.history.recall(prepared.id, tenant));
    return job ?? rememberedSnapshot(fresh, known);
  }
}

function keyConflict({ id, state }: JobSnapshot) {
  return problem('job_key_conflict', {
    detail: `The key belongs to job ${id} (${state}), which has another type or payload.`,
    members: { jobId: id },
  });
}
