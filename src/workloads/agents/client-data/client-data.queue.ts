import { defineQueue } from '../../../platform/queue/define-queue';
import { agentJob, agentQueue, agentWorker } from '../agent-queue';
import { ClientDataPayload } from './client-data.payload';

export const clientDataQueue = defineQueue({
  ...agentQueue,
  name: 'client-data',
  description: 'Clients by their mail address, with what they like.',
  jobs: {
    'client-data-job': {
      ...agentJob,
      payload: ClientDataPayload,
      description: 'Finds or creates the client of a request.',
      timeoutMs: 30_000,
      searchable: ['requestId'],
    },
  },
  worker: agentWorker,
});
