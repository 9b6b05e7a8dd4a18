import { defineQueue } from '../../../platform/queue/define-queue';
import { ValidateFilePayload } from './csv-validation.payload';

const HOUR_MS = 3_600_000;

export const csvValidationQueue = defineQueue({
  name: 'validation',
  domain: 'validation',
  description: 'Validates one uploaded CSV file and stores its findings and report.',
  jobs: {
    'validate-file': {
      payload: ValidateFilePayload,
      description: 'Checks an upload row by row against its rule set.',
      attempts: 3,
      backoff: { type: 'exponential', delayMs: 2_000 },
      searchable: ['validationRunId'],
    },
  },
  worker: {
    concurrency: ({ VALIDATION_CONCURRENCY }) => VALIDATION_CONCURRENCY,
  },
  retention: {
    completed: { ageMs: HOUR_MS, count: 100 },
    failed: { ageMs: 24 * HOUR_MS, count: 1_000 },
  },
});
