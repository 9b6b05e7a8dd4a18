import { Processor } from '@nestjs/bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { agentJobOf } from '../agent-job';
import { communicationQueue } from './communication.queue';
import { CommunicationService } from './communication.service';

@Processor(communicationQueue.name)
export class CommunicationProcessor extends JobConsumer<typeof communicationQueue> {
  constructor(
    private readonly work: CommunicationService,
    private readonly effects: Effects,
  ) {
    super(communicationQueue);
  }

  protected readonly handlers: JobHandlers<typeof communicationQueue> = {
    'communication-job': (job, signal) => this.work.send(job.data, agentJobOf(job, signal, this.effects)),
  };
}
