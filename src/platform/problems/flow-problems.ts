import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a wish about a flow, or about a job that belongs to one. */
export const flowProblems = {
  flow_not_found: {
    status: 404,
    title: 'There is no such flow',
    advice:
      'Use the id that its request answered with. Flows are forgotten when the ledger forgets their jobs.',
  },
  flow_member: {
    status: 409,
    title: 'The job belongs to a flow that needs it',
    advice: 'Cancel the whole flow: POST /api/flows/{flowId}/cancel.',
  },
  flow_ended: {
    status: 409,
    title: 'The flow has ended',
    advice: 'Read its state; a job of it that has died can be sent back as a dead letter.',
  },
} as const satisfies Record<string, CatalogueEntry>;
