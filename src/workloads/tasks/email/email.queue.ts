import { defineQueue } from '../../../platform/queue/define-queue';
import { EmailPayload } from './email.payload';

const DAY_MS = 86_400_000;

export const emailQueue = defineQueue({
  name: 'email',
  domain: 'tasks',
  description: 'Mail by templates: over SMTP, or without one into an outbox to look at.',
  jobs: {
    EMAIL_SEND: {
      payload: EmailPayload,
      description: 'Sends one mail; every try of it has the same Message-ID.',
      // A server that puts a stranger off for some minutes takes the mail at one of the later tries.
      attempts: 8,
      backoff: { type: 'exponential', delayMs: 5_000 },
      // A mail waits for those before it on its connection: where the server takes 18 s for each, this long.
      timeoutMs: 300_000,
      searchable: ['template'],
    },
  },
  hasPriorities: true,
  // Many more than connections: while one mail is under way, others are claimed, composed and settled, many together.
  worker: { concurrency: ({ SMTP_CONNECTIONS }) => 16 * SMTP_CONNECTIONS },
  retention: {
    completed: { ageMs: DAY_MS, count: 10_000 },
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
});
