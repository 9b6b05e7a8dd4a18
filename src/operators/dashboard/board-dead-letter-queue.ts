import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { Job } from 'bullmq';
import { masked } from '../../platform/auth/masked.decorator';
import { HOME_TENANT } from '../../platform/auth/permissions';
import type { DeadLetterQueue } from '../../platform/dead-letter/dead-letter-queues.service';
import { visitorSeesPayloads, visitorTenant } from './board-visitor';

const hidden = ['data', 'jobData', 'reason', 'attempts.*.error.message'];
const SEPARATOR = '_';

/** The dead letters of a queue, to look at: what is decided about them, is decided at /api/queue/dead-letters. */
export class BoardDeadLetterQueue extends BullMQAdapter {
  constructor(private readonly shown: DeadLetterQueue) {
    const { name, domain } = shown.origin.definition;
    super(shown.queue, {
      readOnlyMode: true,
      description: `${domain} · Jobs of ${name} that will not be tried again; /api/queue/dead-letters sends them back.`,
      // The board puts it below its origin, whose name must be all that stands before the separator.
      ...(!name.includes(SEPARATOR) && { delimiter: SEPARATOR }),
    });
  }

  override async getJob(id: string): Promise<Job | undefined> {
    // BullMQ keeps a job beside the queue's own keys, and would show those as jobs.
    if (Object.hasOwn(this.shown.queue.keys, id)) return undefined;
    const job = await super.getJob(id);
    return job === undefined || !isOfVisitor(job) ? undefined : this.guarded(job);
  }

  override async getJobs(...range: Parameters<BullMQAdapter['getJobs']>): Promise<Job[]> {
    // A job may go between the list and its hash.
    const jobs = (await super.getJobs(...range)).filter((job: Job | undefined) => job !== undefined);
    return jobs.filter(isOfVisitor).map((job) => this.guarded(job));
  }

  /** The tree of a flow shows payloads, past everything above. */
  override async getFlowProducer(): ReturnType<BullMQAdapter['getFlowProducer']> {
    return null;
  }

  private guarded(job: Job): Job {
    const { toJSON } = job;
    const toMasked = () => {
      const json = toJSON.call(job);
      return visitorSeesPayloads(this.shown.origin.definition.name)
        ? json
        : { ...json, data: masked(json.data as object, hidden) };
    };
    return Object.assign(job, { toJSON: toMasked });
  }
}

/** The dead letter of another tenant is not there, as it is not for the API. */
function isOfVisitor({ data }: Job<{ tenant?: string } | null>): boolean {
  return (data?.tenant ?? HOME_TENANT) === visitorTenant();
}
