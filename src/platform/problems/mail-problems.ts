import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a question about mail. */
export const mailProblems = {
  mail_template_not_found: {
    status: 404,
    title: 'There is no such mail template',
    advice: 'GET /api/mail/templates lists those that exist.',
  },
  mail_not_found: {
    status: 404,
    title: 'There is no such mail in the outbox',
    advice: 'Only the newest thousand are kept, and none where SMTP_URL names a server.',
  },
  suppression_not_found: {
    status: 404,
    title: 'The address is not on the suppression list',
    advice: 'GET /api/mail/suppressions lists those that are.',
  },
} satisfies Record<string, CatalogueEntry>;
