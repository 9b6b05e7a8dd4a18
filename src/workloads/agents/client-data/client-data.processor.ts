import { Processor } from '@nestjs/bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { agentJobOf } from '../agent-job';
import { clientDataQueue } from './client-data.queue';
import { ClientDataService } from './client-data.service';

@Processor(clientDataQueue.name)
export class ClientDataProcessor extends JobConsumer<typeof clientDataQueue> {
  constructor(
    private readonly work: ClientDataService,
    private readonly effects: Effects,
  ) {
    super(clientDataQueue);
  }

  protected readonly handlers: JobHandlers<typeof clientDataQueue> = {
    'client-data-job': (job, signal) => this.work.lookUp(job.data, agentJobOf(job, signal, this.effects)),
  };
}
