import { defineQueue } from '../../../platform/queue/define-queue';
import { DATA_EXPORT, DataExportPayload } from './data-export.payload';

const HOUR_MS = 3_600_000;

export const dataExportQueue = defineQueue({
  name: 'data-export',
  domain: 'tasks',
  description: 'Files with the rows of a source: its tenant’s history, dead letters, findings.',
  jobs: {
    [DATA_EXPORT]: {
      payload: DataExportPayload,
      description: 'Writes the rows of a source into a CSV, JSON or xlsx file.',
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 2_000 },
      // The query holds back the clean-up of PostgreSQL for as long.
      timeoutMs: HOUR_MS,
      searchable: ['source', 'exportType'],
    },
  },
  hasPriorities: true,
  // Each is a query over a table that others need, too.
  worker: { concurrency: 2 },
  retention: {
    completed: { ageMs: 24 * HOUR_MS, count: 10_000 },
    failed: { ageMs: 7 * 24 * HOUR_MS, count: 10_000 },
  },
});
