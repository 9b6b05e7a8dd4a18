import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a wish about jobs that have died, or about many jobs at once. */
export const deadLetterProblems = {
  dead_letter_not_found: {
    status: 404,
    title: 'There is no such dead letter',
    advice:
      'Check the id. What was discarded is gone after a week; /api/queue/dead-letters lists the others.',
  },
  operation_not_found: {
    status: 404,
    title: 'There is no such operation',
    advice: 'Check the id; /api/queue/operations lists all there are.',
  },
  dead_letter_decided: {
    status: 409,
    title: 'Somebody has decided about this dead letter already',
    advice: 'Read it again: "status" and "decision" say what became of it.',
  },
  job_not_failed: {
    status: 409,
    title: 'The job has not failed',
    advice: 'Only a job that has failed for good can be retried; read its state.',
  },
  job_not_delayed: {
    status: 409,
    title: 'The job is not delayed',
    advice: 'Only a delayed job can be promoted; read its state.',
  },
  operation_running: {
    status: 409,
    title: 'Another operation sends jobs back to this queue',
    advice: 'Wait until it has ended, or abort it; "operationId" names it.',
    retryable: true,
  },
  operation_ended: {
    status: 409,
    title: 'The operation has ended',
    advice: 'Read its counts; what it has moved stays moved. Start another one for the rest.',
  },
  redrive_refused: {
    status: 422,
    title: 'The dead letter cannot run like this',
    advice: 'Follow "detail": edit the payload, name another queue, or discard it.',
  },
} as const satisfies Record<string, CatalogueEntry>;
