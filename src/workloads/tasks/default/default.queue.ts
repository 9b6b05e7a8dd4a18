import { defineQueue } from '../../../platform/queue/define-queue';
import { TEST_JOB_NAME, TestJobData } from './default.payload';

const DAY_MS = 86_400_000;

export const defaultQueue = defineQueue({
  name: 'default',
  domain: 'tasks',
  description: 'General background work, and the job that shows whether queue, worker and retries do theirs.',
  jobs: {
    [TEST_JOB_NAME]: {
      payload: TestJobData,
      description: 'Works for the delay it is given, then answers with its message, or fails when told to.',
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 1_000 },
      searchable: ['message'],
    },
  },
  hasPriorities: true,
  worker: {},
  retention: {
    completed: { ageMs: DAY_MS, count: 10_000 },
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
});
