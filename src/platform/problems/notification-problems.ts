import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a question about notifications. */
export const notificationProblems = {
  notification_not_found: {
    status: 404,
    title: 'There is no such notification',
    advice: 'It was deleted, was too old to be kept, or made room for newer ones of its user.',
  },
} satisfies Record<string, CatalogueEntry>;
