import { Injectable } from '@nestjs/common';
import { problem } from '../../platform/problems/problem-catalogue';
import { JobReader } from '../../platform/queue/job-reader.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { QueueRegistry } from '../../platform/queue/queue-registry.service';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { entityTag, tagMatches } from './entity-tag';
import { jobBody } from './job-body';
import { retentionSentence } from './retention-sentence';

/** Reads and removes jobs of any registered type. */
@Injectable()
export class JobsApiService {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly reader: JobReader,
  ) {}

  /** Throws a 404 problem that says how long finished jobs stay. */
  async read(id: string): Promise<JobSnapshot> {
    this.connections.assertReady();
    const job = await this.reader.read(id);
    if (job === undefined) throw this.notFound(id);
    return job;
  }

  /** Removes a job that is not running; `ifMatch` is the entity tag the caller has seen. */
  async remove(id: string, ifMatch: string | undefined): Promise<void> {
    const job = await this.read(id);
    if (ifMatch !== undefined && !tagMatches(ifMatch, entityTag(jobBody(job)))) {
      throw problem('precondition_failed', { detail: `Job ${id} is ${job.state} now.` });
    }
    // A worker may take the job between the read and the removal; its lock then makes the removal fail.
    const isRemoved = job.state !== 'active' && (await this.registry.ofJob(id)?.queue.remove(id)) === 1;
    if (!isRemoved)
      throw problem('job_active', { detail: `Job ${id} is being worked; it can go once it is done.` });
  }

  private notFound(id: string) {
    const definition = this.registry.ofJob(id)?.definition;
    if (definition === undefined) return problem('job_not_found', { detail: 'No queue makes such an id.' });
    const kept = retentionSentence(definition, 'completed');
    const keptFailed = retentionSentence(definition, 'failed');
    return problem('job_not_found', { detail: `There is no job ${id}: ${kept}; ${keptFailed}.` });
  }
}
