import { availableParallelism } from 'node:os';
import { defineQueue } from '../../../platform/queue/define-queue';
import { FileProcessPayload } from './file-process.payload';

const DAY_MS = 86_400_000;

export const fileProcessQueue = defineQueue({
  name: 'file-process',
  domain: 'tasks',
  description: 'Stored files: images resized and converted, files compressed, text extracted.',
  jobs: {
    FILE_PROCESS: {
      payload: FileProcessPayload,
      description: 'Makes a new file of a stored one; its id is the result.',
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 1_000 },
      timeoutMs: 300_000,
      // What has taken five minutes once takes them again.
      retriesTimeouts: false,
      searchable: ['filePath', 'operation'],
    },
  },
  hasPriorities: true,
  // Twice as many as processes: while one works, others are claimed, stored and settled.
  worker: { concurrency: 2 * Math.max(2, availableParallelism()) },
  retention: {
    completed: { ageMs: DAY_MS, count: 10_000 },
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
});
