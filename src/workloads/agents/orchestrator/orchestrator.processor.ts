import { Processor } from '@nestjs/bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { agentJobOf } from '../agent-job';
import { orchestratorQueue } from './orchestrator.queue';
import { OrchestratorService } from './orchestrator.service';

@Processor(orchestratorQueue.name)
export class OrchestratorProcessor extends JobConsumer<typeof orchestratorQueue> {
  constructor(
    private readonly work: OrchestratorService,
    private readonly effects: Effects,
  ) {
    super(orchestratorQueue);
  }

  protected readonly handlers: JobHandlers<typeof orchestratorQueue> = {
    'orchestrator-job': (job, signal) => this.work.analyze(job.data, agentJobOf(job, signal, this.effects)),
  };
}
