import { Processor } from '@nestjs/bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { FlowChildren } from '../../../platform/flows/flow-children.service';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { agentJobOf } from '../agent-job';
import type { FlowResults } from './flow-results';
import { proposalAnalysisQueue } from './proposal-analysis.queue';
import { ProposalAnalysisService } from './proposal-analysis.service';

@Processor(proposalAnalysisQueue.name)
export class ProposalAnalysisProcessor extends JobConsumer<typeof proposalAnalysisQueue> {
  constructor(
    private readonly work: ProposalAnalysisService,
    private readonly effects: Effects,
    private readonly children: FlowChildren,
  ) {
    super(proposalAnalysisQueue);
  }

  protected readonly handlers: JobHandlers<typeof proposalAnalysisQueue> = {
    'proposal-analysis-job': async (job, signal) =>
      this.work.analyze(
        job.data,
        await this.children.of<FlowResults>(job),
        agentJobOf(job, signal, this.effects),
      ),
  };
}
