import { defineQueue } from '../../../platform/queue/define-queue';
import { SEND_WEB_PUSH, WebPushPayload } from './web-push.payload';

const DAY_MS = 86_400_000;

export const webPushQueue = defineQueue({
  name: 'web-push',
  domain: 'tasks',
  description: 'Notifications on their way to browsers: one job for each notification and subscription.',
  jobs: {
    [SEND_WEB_PUSH]: {
      payload: WebPushPayload,
      description: 'Gives one notification to the push service of one browser; every try has the same Topic.',
      // With doubling waits some ten minutes, in which most outages of a push service are over.
      attempts: 8,
      backoff: { type: 'exponential', delayMs: 5_000 },
      timeoutMs: 30_000,
      searchable: ['notificationId', 'subscriptionId'],
    },
  },
  hasPriorities: true,
  // Nearly all of a push is waiting for its service; what is sealed and signed takes a millisecond or so.
  worker: { concurrency: 20 },
  retention: {
    completed: { ageMs: DAY_MS, count: 10_000 },
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
});
