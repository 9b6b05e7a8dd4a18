import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { CharterStoresModule } from '../charter-stores.module';
import { ProposalAnalysisService } from './proposal-analysis.service';
import { ProposalAnalysisProcessor } from './proposal-analysis.processor';
import { ProposalAnalysisProducer } from './proposal-analysis.producer';
import { proposalAnalysisQueue } from './proposal-analysis.queue';

@Module({
  imports: [QueueModule.forQueue(proposalAnalysisQueue), CharterStoresModule],
  providers: [ProposalAnalysisProducer, ProposalAnalysisProcessor, ProposalAnalysisService],
  exports: [ProposalAnalysisProducer],
})
export class ProposalAnalysisModule {}
