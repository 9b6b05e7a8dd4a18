import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a question about notifications. */
export const notificationProblems = {
  notification_not_found: {
    status: 404,
    title: 'There is no such notification',
    advice: 'It was deleted, was too old to be kept, or made room for newer ones of its user.',
  },
  push_not_configured: {
    status: 409,
    title: 'Web push is not set up on this server',
    advice:
      'Whoever runs it has to set VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY and VAPID_SUBJECT: npm run push:keys.',
  },
  push_subscription_not_found: {
    status: 404,
    title: 'There is no such push subscription',
    advice: 'It was deleted, its push service has said that it is gone, or it made room for a newer one.',
  },
} satisfies Record<string, CatalogueEntry>;
