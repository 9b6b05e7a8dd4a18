import { feedQueueName } from '../../../config/feed-queue-name';
import { defineQueue } from '../../../platform/queue/define-queue';
import { ImportItemPayload } from './feed-import.payload';

const MINUTE_MS = 60_000;

export const feedImportQueue = defineQueue({
  name: feedQueueName,
  domain: 'feeds',
  description: 'Stores the items of feeds, one job each, many in one statement.',
  jobs: {
    'import-item': {
      payload: ImportItemPayload,
      description: 'Stores one item, if it is new or has changed.',
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 1_000 },
      timeoutMs: 30_000,
      searchable: ['source', 'guid', 'importId'],
    },
  },
  worker: {
    concurrency: ({ WORKER_CONCURRENCY }) => WORKER_CONCURRENCY,
    batch: ({ WORKER_BATCH_SIZE, WORKER_FLUSH_MS }) => ({
      size: WORKER_BATCH_SIZE,
      flushMs: WORKER_FLUSH_MS,
    }),
  },
  // What has succeeded is cleaned up; failures stay to be looked at.
  retention: { completed: { ageMs: MINUTE_MS, count: 100 } },
  // PostgreSQL keeps an item from being enqueued twice; a key has to be free for the item's next version.
  deduplicationMs: 0,
});
