import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import { problem } from '../../platform/problems/problem-catalogue';
import { addedSnapshot, isDuplicateOf } from '../../platform/queue/added-job';
import type { AddOptions } from '../../platform/queue/add-job';
import { JobDispatcher, UnknownJobTypeError } from '../../platform/queue/job-dispatcher.service';
import { JobReader } from '../../platform/queue/job-reader.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { QueueRegistry, type RegisteredJobType } from '../../platform/queue/queue-registry.service';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import type { CreateJobDto, JobOptionsDto } from './create-job.dto';
import { entityTag, tagMatches } from './entity-tag';
import { jobBody } from './job-body';
import { addOptionsOf, warningsOf } from './job-options';
import { retentionSentence } from './retention-sentence';

export interface Enqueued {
  readonly job: JobSnapshot;
  readonly isDuplicate: boolean;
  readonly warnings: readonly string[];
}

/** Enqueues, reads and removes jobs of any registered type. */
@Injectable()
export class JobsApiService {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly dispatcher: JobDispatcher,
    private readonly reader: JobReader,
  ) {}

  async enqueue({ type, data, options }: CreateJobDto, tenant: string): Promise<Enqueued> {
    this.connections.assertReady();
    const known = this.known(type);
    const wanted: JobOptionsDto = options ?? {};
    const stored = await this.add(type, data, { ...addOptionsOf(wanted, known), tenant });
    return { ...stored, warnings: warningsOf(wanted, known) };
  }

  /** Throws a 404 problem that says how long finished jobs stay; another tenant's job is not there either. */
  async read(id: string, tenant: string): Promise<JobSnapshot> {
    this.connections.assertReady();
    const job = await this.reader.read(id);
    if (job === undefined || job.origin.tenant !== tenant) throw this.notFound(id);
    return job;
  }

  /** Removes a job that is not running; `ifMatch` is the entity tag the caller has seen. */
  async remove(id: string, tenant: string, ifMatch: string | undefined): Promise<void> {
    const job = await this.read(id, tenant);
    if (ifMatch !== undefined && !tagMatches(ifMatch, entityTag(jobBody(job)))) {
      throw problem('precondition_failed', { detail: `Job ${id} is ${job.state} now.` });
    }
    // A worker may take the job between the read and the removal; its lock then makes the removal fail.
    const isRemoved = job.state !== 'active' && (await this.registry.ofJob(id)?.queue.remove(id)) === 1;
    if (!isRemoved)
      throw problem('job_active', { detail: `Job ${id} is being worked; it can go once it is done.` });
  }

  private known(type: string): RegisteredJobType {
    const known = this.registry.type(type);
    if (known !== undefined) return known;
    throw new UnknownJobTypeError(
      type,
      this.registry.types().map((one) => one.type),
    );
  }

  private async add(type: string, data: object, options: AddOptions): Promise<Omit<Enqueued, 'warnings'>> {
    const added = await this.dispatcher.dispatch(type, data, options);
    // BullMQ answers a repeated id with what the caller sent, not with what it keeps.
    const stored = options.key === undefined ? undefined : await this.reader.read(added.id ?? '');
    const fresh = addedSnapshot(added);
    if (stored === undefined) return { job: fresh, isDuplicate: false };
    const isSame = stored.type === type && isDeepStrictEqual(JSON.parse(stored.data), JSON.parse(fresh.data));
    if (!isSame) throw keyConflict(stored);
    return { job: stored, isDuplicate: isDuplicateOf(added, stored) };
  }

  private notFound(id: string) {
    const definition = this.registry.ofJob(id)?.definition;
    if (definition === undefined) return problem('job_not_found', { detail: 'No queue makes such an id.' });
    const kept = retentionSentence(definition, 'completed');
    const keptFailed = retentionSentence(definition, 'failed');
    return problem('job_not_found', { detail: `There is no job ${id}: ${kept}; ${keptFailed}.` });
  }
}

function keyConflict({ id, state }: JobSnapshot) {
  return problem('job_key_conflict', {
    detail: `The key belongs to job ${id} (${state}), which has another type or payload.`,
    members: { jobId: id },
  });
}
