import { defineQueue } from '../../../platform/queue/define-queue';
import { USER_NOTIFICATION, UserNotificationPayload } from './user-notification.payload';

const DAY_MS = 86_400_000;

export const userNotificationQueue = defineQueue({
  name: 'user-notification',
  domain: 'tasks',
  description:
    'Notifications of users: kept to be listed and followed, and sent by mail where that is asked for.',
  jobs: {
    [USER_NOTIFICATION]: {
      payload: UserNotificationPayload,
      description: 'Keeps one notification for a user; the mail that it may cause is a job of its own.',
      attempts: 5,
      backoff: { type: 'exponential', delayMs: 1_000 },
      // A few statements, of which each may take 10 s.
      timeoutMs: 30_000,
      searchable: ['userId', 'type'],
    },
  },
  hasPriorities: true,
  worker: {},
  retention: {
    completed: { ageMs: DAY_MS, count: 10_000 },
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
});
