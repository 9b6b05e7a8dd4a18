import { defineQueue } from '../../../platform/queue/define-queue';
import { PROCESS_CSV, ProcessCsvPayload } from './import.payload';

const DAY_MS = 86_400_000;

export const importQueue = defineQueue({
  name: 'import',
  domain: 'brokerage',
  description: 'Takes trades over from files of brokers.',
  jobs: {
    [PROCESS_CSV]: {
      payload: ProcessCsvPayload,
      description:
        'Reads trades from a CSV file, stores those that are new, and reports the rows that are none, each with its reason.',
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 1_000 },
      timeoutMs: 900_000,
      searchable: ['fileId', 'userId'],
    },
  },
  worker: { concurrency: 5 },
  retention: {
    completed: { ageMs: DAY_MS, count: 10_000 },
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
});
