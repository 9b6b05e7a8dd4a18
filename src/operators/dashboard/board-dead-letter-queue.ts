import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { Job } from 'bullmq';
import type { DeadLetterQueue } from '../../platform/dead-letter/dead-letter-queues.service';

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
    return Object.hasOwn(this.shown.queue.keys, id) ? undefined : super.getJob(id);
  }
}
