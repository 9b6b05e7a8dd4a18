import { defineQueue } from '../../../platform/queue/define-queue';
import { COACH, CoachPayload, EMBED, EmbedPayload } from './ai.payload';

const DAY_MS = 86_400_000;
const attempts = { attempts: 3, backoff: { type: 'exponential', delayMs: 1_000 } } as const;

export const aiQueue = defineQueue({
  name: 'ai',
  domain: 'brokerage',
  description: 'Reviews of how users trade, and the vectors by which their notes are found.',
  jobs: {
    [COACH]: {
      payload: CoachPayload,
      description: 'Works out how a user has traded, puts it into words, and keeps both.',
      ...attempts,
      timeoutMs: 300_000,
      searchable: ['userId'],
    },
    [EMBED]: {
      payload: EmbedPayload,
      description: 'Makes the vector by which a note is found.',
      ...attempts,
      timeoutMs: 120_000,
      searchable: ['noteId'],
    },
  },
  worker: { concurrency: 5 },
  retention: {
    completed: { ageMs: DAY_MS, count: 10_000 },
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
});
