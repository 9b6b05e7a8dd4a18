import { feedQueueName } from '../../../config/feed-queue-name';
import { defineQueue } from '../../../platform/queue/define-queue';
import { limitKeyOfSource } from '../item-key';
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
      searchable: ['source', 'importId'],
    },
  },
  worker: {
    concurrency: ({ WORKER_CONCURRENCY }) => WORKER_CONCURRENCY,
    batch: ({ WORKER_BATCH_SIZE, WORKER_FLUSH_MS }) => ({
      size: WORKER_BATCH_SIZE,
      flushMs: WORKER_FLUSH_MS,
    }),
  },
  // Sources take turns, so that a large one lets a small one through; each may be as fast as it has been told.
  keyLimits: {
    key: ({ source }, _type, { tenant }) => limitKeyOfSource(tenant, source),
    rate: ({ WORKER_RATE_LIMIT_MAX: max, WORKER_RATE_LIMIT_DURATION_MS: durationMs }) =>
      max === undefined ? undefined : { max, durationMs },
  },
  // What has succeeded is cleaned up; failures stay to be looked at.
  retention: { completed: { ageMs: MINUTE_MS, count: 100 } },
  // Each item's row tells what became of it.
  history: 'failures',
  // PostgreSQL keeps an item from being enqueued twice; a key has to be free for the item's next version.
  deduplicationMs: 0,
});
