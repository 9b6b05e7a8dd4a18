import { defineQueue } from '../../../platform/queue/define-queue';
import { agentJob, agentQueue, agentWorker } from '../agent-queue';
import { ProposalAnalysisPayload } from './proposal-analysis.payload';

export const proposalAnalysisQueue = defineQueue({
  ...agentQueue,
  name: 'proposal-analysis',
  description: 'Quotes ranked, with reasons.',
  jobs: {
    'proposal-analysis-job': {
      ...agentJob,
      payload: ProposalAnalysisPayload,
      description: 'Ranks the quotes of a request into a proposal.',
      timeoutMs: 30_000,
      searchable: ['requestId'],
    },
  },
  worker: agentWorker,
});
