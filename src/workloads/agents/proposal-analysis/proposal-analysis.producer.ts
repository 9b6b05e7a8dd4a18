import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { withPriority } from '../agent-queue';
import type { ProposalAnalysisPayload } from './proposal-analysis.payload';
import { proposalAnalysisQueue } from './proposal-analysis.queue';

@Injectable()
export class ProposalAnalysisProducer extends JobProducer<typeof proposalAnalysisQueue> {
  constructor(@InjectQueue(proposalAnalysisQueue.name) queue: Queue) {
    super(proposalAnalysisQueue, queue);
  }

  addProposalAnalysisJob(data: ProposalAnalysisPayload, options?: AddOptions) {
    return this.add('proposal-analysis-job', data, withPriority(data, options));
  }
}
