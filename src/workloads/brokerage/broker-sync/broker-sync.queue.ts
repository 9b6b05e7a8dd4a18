import { defineQueue } from '../../../platform/queue/define-queue';
import { SYNC_CONNECTION, SyncConnectionPayload } from './broker-sync.payload';

const DAY_MS = 86_400_000;

export const brokerSyncQueue = defineQueue({
  name: 'broker-sync',
  domain: 'brokerage',
  description: 'Fetches what has happened in accounts at brokers, on their schedules and on demand.',
  jobs: {
    [SYNC_CONNECTION]: {
      payload: SyncConnectionPayload,
      description:
        'Fetches the new activities of one connection page by page, and compares the positions with those of the broker.',
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 1_000 },
      timeoutMs: 900_000,
      searchable: ['connectionId'],
    },
  },
  worker: { concurrency: 5 },
  retention: {
    completed: { ageMs: DAY_MS, count: 10_000 },
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
});
