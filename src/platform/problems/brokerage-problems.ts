import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a request about accounts at brokers, trades, reviews or notes. */
export const brokerageProblems = {
  connection_not_found: {
    status: 404,
    title: 'There is no such connection',
    advice: 'Check the id; /api/brokerage/connections lists those there are.',
  },
  connection_invalid: {
    status: 422,
    title: 'The connection cannot be used as it is',
    advice: 'Correct the fields that "errors" points to.',
  },
  too_many_connections: {
    status: 409,
    title: 'The tenant has as many connections as it may',
    advice:
      'Delete connections that nobody needs; whoever runs the server can raise BROKER_CONNECTIONS_PER_TENANT.',
  },
  sync_run_not_found: {
    status: 404,
    title: 'There is no such sync',
    advice: 'Check the id; of each connection the newest hundred are kept.',
  },
  not_reconciled: {
    status: 404,
    title: 'Positions have not been compared yet',
    advice: 'Start a sync of the connection, and wait until it is completed.',
  },
  import_not_found: {
    status: 404,
    title: 'There is no such import',
    advice: 'Check the id; imports are kept for 90 days.',
  },
  review_not_found: {
    status: 404,
    title: 'There is no such review',
    advice: 'Check the id; of each user the newest 200 are kept. Its job says when it is written.',
  },
  note_not_found: {
    status: 404,
    title: 'There is no such note',
    advice: 'Check the id; a note that was deleted does not come back.',
  },
  too_many_notes: {
    status: 409,
    title: 'The user has as many notes as may be',
    advice: 'Delete notes that nobody needs.',
  },
  search_unavailable: {
    status: 503,
    title: 'Notes cannot be searched now',
    advice: 'The model that makes the vectors does not answer: try again later.',
    retryable: true,
    retryAfterSeconds: 10,
  },
  secrets_unavailable: {
    status: 503,
    title: 'Credentials cannot be kept here',
    advice: 'Whoever runs the server has to set SECRETS_KEYS.',
  },
} as const satisfies Record<string, CatalogueEntry>;
