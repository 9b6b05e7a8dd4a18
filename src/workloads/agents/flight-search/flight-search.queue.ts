import { defineQueue } from '../../../platform/queue/define-queue';
import { agentJob, agentQueue, agentWorker } from '../agent-queue';
import { FlightSearchPayload } from './flight-search.payload';

export const flightSearchQueue = defineQueue({
  ...agentQueue,
  name: 'flight-search',
  description: 'Quotes of the fleet for the flights of a request.',
  jobs: {
    'flight-search-job': {
      ...agentJob,
      payload: FlightSearchPayload,
      description: 'Searches the fleet and prices what can fly.',
      timeoutMs: 60_000,
      searchable: ['requestId', 'departure', 'arrival'],
    },
  },
  worker: agentWorker,
});
