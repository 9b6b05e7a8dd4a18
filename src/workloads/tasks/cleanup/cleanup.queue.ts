import { defineQueue } from '../../../platform/queue/define-queue';
import { CLEANUP, CleanupPayload } from './cleanup.payload';

const DAY_MS = 86_400_000;

export const cleanupQueue = defineQueue({
  name: 'cleanup',
  domain: 'tasks',
  description:
    'Removes what nobody needs any more: old temporary files and logs, sessions that have expired.',
  jobs: {
    [CLEANUP]: {
      payload: CleanupPayload,
      description:
        'Removes, or counts, what is older than it says, and answers with what went and what stayed.',
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 10_000 },
      timeoutMs: 900_000,
      searchable: ['targetType'],
    },
  },
  hasPriorities: true,
  worker: { concurrency: 1 },
  retention: {
    completed: { ageMs: 7 * DAY_MS, count: 1_000 },
    failed: { ageMs: 30 * DAY_MS, count: 1_000 },
  },
  // The longest period of CLEANUP_EVERY_HOURS, and a day more: the job of a period is added once.
  deduplicationMs: 8 * DAY_MS,
});
