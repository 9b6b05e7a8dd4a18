import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a wish about charter requests, clients and groups of errors. */
export const agentProblems = {
  charter_request_not_found: {
    status: 404,
    title: 'There is no such charter request',
    advice: 'Check the id; /api/charter-requests lists all there are.',
  },
  client_not_found: {
    status: 404,
    title: 'There is no such client',
    advice: 'Check the id; /api/clients?email= finds a client by address.',
  },
  error_group_not_found: {
    status: 404,
    title: 'There is no such group of errors',
    advice: 'Check the fingerprint; /api/queue/errors lists all there are.',
  },
  charter_request_asks_nothing: {
    status: 409,
    title: 'The charter request waits for no answer',
    advice: 'Read its state: only "needs_information" takes answers.',
  },
  charter_request_ended: {
    status: 409,
    title: 'The charter request has ended',
    advice: 'Read its state; what was sent cannot be taken back.',
  },
} as const satisfies Record<string, CatalogueEntry>;
