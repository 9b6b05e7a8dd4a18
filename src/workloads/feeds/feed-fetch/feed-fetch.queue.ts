import { defineQueue } from '../../../platform/queue/define-queue';
import { fetchQueueName } from '../import-run.store';
import { FetchFeedPayload } from './feed-fetch.payload';

const MINUTE_MS = 60_000;

export const feedFetchQueue = defineQueue({
  name: fetchQueueName,
  domain: 'feeds',
  description: 'Fetches feeds and enqueues a job for each item that is new or has changed.',
  jobs: {
    'fetch-feed': {
      payload: FetchFeedPayload,
      description: 'Reads one source of an import to its end.',
      attempts: 4,
      backoff: { type: 'exponential', delayMs: 5_000 },
      timeoutMs: 30 * MINUTE_MS,
      searchable: ['importId', 'source'],
      startedBy: 'POST /api/imports/start',
    },
  },
  worker: { concurrency: ({ FEED_FETCH_CONCURRENCY }) => FEED_FETCH_CONCURRENCY },
});
