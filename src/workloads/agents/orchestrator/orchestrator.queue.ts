import { defineQueue } from '../../../platform/queue/define-queue';
import { agentJob, agentQueue, agentWorker } from '../agent-queue';
import { OrchestratorPayload } from './orchestrator.payload';

export const orchestratorQueue = defineQueue({
  ...agentQueue,
  name: 'orchestrator',
  description: 'Charter requests in plain words: understood, completed by questions, and handed on.',
  jobs: {
    'orchestrator-job': {
      ...agentJob,
      payload: OrchestratorPayload,
      description: 'Reads a request and starts its flow, or asks what is missing.',
      timeoutMs: 180_000,
      searchable: ['requestId'],
    },
  },
  worker: { ...agentWorker, concurrency: 3 },
});
