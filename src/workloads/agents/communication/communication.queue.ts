import { defineQueue } from '../../../platform/queue/define-queue';
import { agentJob, agentQueue, agentWorker } from '../agent-queue';
import { CommunicationPayload } from './communication.payload';

export const communicationQueue = defineQueue({
  ...agentQueue,
  name: 'communication',
  description: 'Proposals on their way to clients, by mail.',
  jobs: {
    'communication-job': {
      ...agentJob,
      payload: CommunicationPayload,
      description: 'Promises the mail with a proposal, once per request.',
      timeoutMs: 30_000,
      searchable: ['requestId', 'proposalId'],
    },
  },
  worker: agentWorker,
});
