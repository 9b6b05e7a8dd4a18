import { defineQueue } from '../../../platform/queue/define-queue';
import { agentJob, agentQueue, agentWorker } from '../agent-queue';
import { ErrorAlertPayload, ErrorMonitorPayload } from './error-monitor.payload';

export const errorMonitorQueue = defineQueue({
  ...agentQueue,
  name: 'error-monitor',
  description: 'Deaths of all queues, grouped by their cause; alerts on what is new or frequent.',
  jobs: {
    'error-monitor-job': {
      ...agentJob,
      payload: ErrorMonitorPayload,
      description: 'Adds jobs that have died to the groups of their errors.',
      timeoutMs: 30_000,
    },
    'send-error-alert': {
      payload: ErrorAlertPayload,
      description: 'Tells the webhook of the settings, signed; every try has the same webhook-id.',
      // Some half an hour in all: as long as a receiver that is being deployed may be away.
      attempts: 10,
      backoff: { type: 'exponential', delayMs: 2_000 },
      timeoutMs: 30_000,
    },
  },
  worker: agentWorker,
});
