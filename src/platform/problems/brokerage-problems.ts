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
    advice: 'Delete connections that nobody needs.',
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
    retryable: true,
    retryAfterSeconds: 5,
  },
  import_not_found: {
    status: 404,
    title: 'There is no such import',
    advice: 'Check the id; imports are kept for 90 days.',
  },
  secrets_unavailable: {
    status: 503,
    title: 'Credentials cannot be kept here',
    advice: 'Whoever runs the server has to set SECRETS_KEYS.',
  },
} as const satisfies Record<string, CatalogueEntry>;
