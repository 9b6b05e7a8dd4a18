import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/auth/principal';
import { problem } from '../../platform/problems/problem-catalogue';
import { JobReader } from '../../platform/queue/job-reader.service';
import { JobRemovals } from '../../platform/queue/job-removals.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { QueueRegistry } from '../../platform/queue/queue-registry.service';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { JobCancellation } from '../../platform/worker/job-cancellation.service';
import { tagMatches } from '../../platform/http/entity-tag';
import { jobTag } from './job-body';
import { retentionSentence } from './retention-sentence';

/** Reads and removes jobs of any registered type. */
@Injectable()
export class JobsApiService {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly reader: JobReader,
    private readonly cancellation: JobCancellation,
    private readonly removals: JobRemovals,
  ) {}

  /** Throws a 404 problem that says how long finished jobs stay; another tenant's job is not there either. */
  async read(id: string, tenant: string): Promise<JobSnapshot> {
    this.connections.assertReady();
    const job = await this.reader.read(id);
    if (job === undefined || job.origin.tenant !== tenant) throw this.notFound(id);
    return job;
  }

  /**
   * Removes a job, or has the worker that runs it stop; `ifMatch` is the entity tag the caller has seen.
   * Resolves with the job while its worker is being told, with nothing once it is gone.
   */
  async remove(
    id: string,
    principal: Principal,
    reason: string,
    ifMatch: string | undefined,
  ): Promise<JobSnapshot | undefined> {
    const job = await this.read(id, principal.tenant);
    const wish = { reason, by: principal.id };
    if (ifMatch !== undefined && !tagMatches(ifMatch, jobTag(job, principal))) {
      throw problem('precondition_failed', { detail: `Job ${id} is ${job.state} now.` });
    }
    switch (await this.cancellation.cancel(id, wish)) {
      case 'requested':
        return job;
      case 'finished':
        if (!(await this.removals.remove(id, { kind: 'removed', ...wish }))) throw this.notFound(id);
        return undefined;
      case 'unknown':
        throw this.notFound(id);
      default:
        return undefined;
    }
  }

  private notFound(id: string) {
    const definition = this.registry.ofJob(id)?.definition;
    if (definition === undefined) return problem('job_not_found', { detail: 'No queue makes such an id.' });
    const kept = retentionSentence(definition, 'completed');
    const keptFailed = retentionSentence(definition, 'failed');
    return problem('job_not_found', { detail: `There is no job ${id}: ${kept}; ${keptFailed}.` });
  }
}
