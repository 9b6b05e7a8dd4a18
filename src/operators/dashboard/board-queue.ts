import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { ObliterateOptions } from '@bull-board/api/typings/app';
import type { Job, JobType } from 'bullmq';
import { MASK } from '../../platform/auth/masked.decorator';
import type { JobRetry } from '../../platform/dead-letter/job-retry.service';
import { FlowMemberError } from '../../platform/flows/flow-guards.service';
import { problem } from '../../platform/problems/problem-catalogue';
import { addJob, originOf } from '../../platform/queue/add-job';
import { checkPayload } from '../../platform/queue/job-payload';
import { passPayloadCheck } from '../../platform/queue/payload-checks';
import { declaredJob } from '../../platform/queue/define-queue';
import type { JobRemovals } from '../../platform/queue/job-removals.service';
import type { QueuePauses } from '../../platform/queue/queue-pauses.service';
import type { RegisteredQueue } from '../../platform/queue/queue-registry.service';
import { opened, sealed, shown, unmasked } from '../../platform/secrets/payload-secrets';
import { addOptions } from './board-job-options';
import { visitorId, visitorSeesPayloads, visitorTenant } from './board-visitor';

// What BullMQ can clean; any other word of the path would name one of the queue's own keys, such as `meta`.
const cleanable = new Set<string>([
  'completed',
  'wait',
  'active',
  'paused',
  'prioritized',
  'delayed',
  'failed',
]);
const emptied: readonly JobType[] = ['wait', 'prioritized', 'delayed'];
// One click removes no more than this, because whoever clicked waits for it.
const MAX_REMOVED = 10_000;
const PAGE_SIZE = 500;

/** One queue as the dashboard may use it: what it adds or changes passes the same checks as everything else. */
export class BoardQueue extends BullMQAdapter {
  // Among the types, only those of the board's base class know this option.
  override readonly allowCompletedRetries: boolean = false;

  constructor(
    private readonly entry: RegisteredQueue,
    private readonly retries: JobRetry,
    private readonly removals: JobRemovals,
    private readonly pauses: QueuePauses,
  ) {
    const { domain, description } = entry.definition;
    super(entry.queue, { description: `${domain} · ${description}` });
  }

  override async addJob(name: string, data: unknown, options: unknown): Promise<Job> {
    const { definition, queue } = this.entry;
    const checked = { ...(await addOptions(options)), tenant: visitorTenant(), caller: visitorId() };
    return this.guarded(await addJob(definition, queue, name, data as object, checked));
  }

  override pause(): Promise<void> {
    return this.pauses.pause(this.entry, { by: visitorId() });
  }

  override resume(): Promise<void> {
    return this.pauses.resume(this.entry);
  }

  override async getJob(id: string): Promise<Job | undefined> {
    // BullMQ keeps a job beside the queue's own keys, and would show those as jobs.
    if (Object.hasOwn(this.entry.queue.keys, id)) return undefined;
    const job = await super.getJob(id);
    return job === undefined || !isOfVisitor(job) ? undefined : this.guarded(job);
  }

  override async getJobs(...range: Parameters<BullMQAdapter['getJobs']>): Promise<Job[]> {
    // A job may go between the list and its hash.
    const jobs = (await super.getJobs(...range)).filter((job: Job | undefined) => job !== undefined);
    return jobs.filter(isOfVisitor).map((job) => this.guarded(job));
  }

  override async getJobLogs(id: string): Promise<string[]> {
    if ((await this.getJob(id)) === undefined) return [];
    const logs = await super.getJobLogs(id);
    return visitorSeesPayloads(this.entry.definition.name) ? logs : logs.map(() => MASK);
  }

  override async getJobSchedulers(): ReturnType<BullMQAdapter['getJobSchedulers']> {
    const schedulers = await super.getJobSchedulers();
    if (visitorSeesPayloads(this.entry.definition.name)) return schedulers;
    return schedulers.map(({ template, ...scheduler }) => ({
      ...scheduler,
      ...(template !== undefined && { template: { ...template, data: MASK } }),
    }));
  }

  /** The tree of a flow shows what its jobs report, past everything above. */
  override async getFlowProducer(): ReturnType<BullMQAdapter['getFlowProducer']> {
    return visitorSeesPayloads(this.entry.definition.name) ? super.getFlowProducer() : null;
  }

  override async clean(...[state, ageMs]: Parameters<BullMQAdapter['clean']>): Promise<void> {
    if (!cleanable.has(state)) {
      throw problem('bad_request', { detail: `Only these can be cleaned: ${[...cleanable].join(', ')}.` });
    }
    // What has died a moment ago must have its dead letter before it goes.
    if (state === 'failed') await this.retries.parkAll();
    await this.removeAll(state, ageMs, `Cleaned on the dashboard: ${state}.`);
  }

  override async empty(): Promise<void> {
    for (const state of emptied) await this.removeAll(state, 0, 'Emptied on the dashboard.');
  }

  override obliterate(_options?: ObliterateOptions): Promise<void> {
    throw problem('forbidden', {
      detail: 'A queue cannot be obliterated: jobs that somebody waits for would vanish without a trace.',
    });
  }

  /** Each job by itself, because BullMQ's own way leaves no trace of what went. */
  private async removeAll(state: JobType, ageMs: number, reason: string): Promise<void> {
    const until = Date.now() - ageMs;
    let kept = 0;
    for (let seen = 0; seen < MAX_REMOVED; seen += PAGE_SIZE) {
      const page = await this.entry.queue.getJobs([state], kept, kept + PAGE_SIZE - 1, true);
      // A record that is gone leaves an empty place.
      const old = page.filter(
        (job) => (job as Job | undefined) && (job.finishedOn ?? job.timestamp) <= until,
      );
      const gone = await Promise.all(old.map((job) => this.removeUnlessNeeded(job.id ?? '', reason)));
      kept += page.length - gone.filter(Boolean).length;
      if (page.length < PAGE_SIZE) return;
    }
  }

  private remove(id: string, reason: string): Promise<boolean> {
    return this.removals.remove(id, { kind: 'removed', reason, by: visitorId() });
  }

  /** What a flow needs stays, and keeps nothing else from going. */
  private async removeUnlessNeeded(id: string, reason: string): Promise<boolean> {
    try {
      return await this.remove(id, reason);
    } catch (error) {
      if (error instanceof FlowMemberError) return false;
      throw error;
    }
  }

  /** The same as everywhere: with all attempts, and noted with the dead letter. */
  private async retry(id: string): Promise<void> {
    const decision = { by: visitorId(), reason: 'Retried on the dashboard.' };
    const outcome = await this.retries.retryIn(this.entry, id, decision, visitorTenant());
    if (outcome === 'wrong_state' || outcome === 'not_found') throw problem('job_not_failed');
  }

  private guarded(job: Job): Job {
    const { definition } = this.entry;
    const { toJSON, updateData, changePriority } = job;
    return Object.assign(job, {
      // The form that duplicates a job starts with these options, and an id of another job is refused there.
      toJSON: () => {
        const json = toJSON.call(job);
        const { jobId: _jobId, ...opts } = json.opts;
        const view = { ...json, opts, data: shown(json.data as unknown) };
        return visitorSeesPayloads(definition.name) ? view : withoutPayloads(view);
      },
      updateData: async (data: unknown) => {
        const declared = declaredJob(definition, job.name);
        if (declared === undefined) return updateData.call(job, data);
        const { queue } = this.entry;
        const place = { tenant: originOf(job).tenant, type: job.name };
        const before = opened(queue, declared.payload, place, (job.data ?? {}) as object);
        const edited = unmasked(declared.payload, data ?? {}, before);
        await checkPayload(job.name, declared.payload, edited);
        passPayloadCheck(queue, job.name, edited);
        return updateData.call(job, sealed(queue, declared.payload, place, edited));
      },
      retry: async (...state: Parameters<Job['retry']>) => {
        if (state[0] === 'completed') {
          throw problem('conflict', {
            detail: 'The job is completed. To run it once more, duplicate it.',
          });
        }
        await this.retry(job.id ?? '');
      },
      remove: async () => {
        if (!(await this.remove(job.id ?? '', 'Removed on the dashboard.'))) {
          throw problem('job_active', { detail: 'The job is being worked, or is gone already.' });
        }
      },
      removeUnprocessedChildren: () => {
        throw problem('flow_member', {
          detail: 'Its children would vanish without a trace: cancel the whole flow at /api/flows.',
        });
      },
      changePriority: async (options: { priority?: number }) => {
        if (definition.hasPriorities !== true) {
          throw problem('priority_refused', { detail: `Queue "${definition.name}" has no priorities.` });
        }
        return changePriority.call(job, options);
      },
    });
  }
}

/** The job of another tenant is not there, as it is not for the API. */
function isOfVisitor(job: Job): boolean {
  return originOf(job).tenant === visitorTenant();
}

type JobView = ReturnType<Job['toJSON']>;

function withoutPayloads(view: JobView): JobView {
  const { returnvalue, failedReason, stacktrace, progress } = view;
  return {
    ...view,
    data: MASK,
    returnvalue: returnvalue == null ? returnvalue : MASK,
    ...(failedReason !== undefined && { failedReason: MASK }),
    stacktrace: (stacktrace ?? []).map(() => MASK),
    progress: typeof progress === 'number' ? progress : MASK,
  };
}
