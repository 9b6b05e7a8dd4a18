import type { FlowNode } from '../../platform/flows/flow-node';
import type { CharterRequest } from '../../integrations/charter-language/charter-request';
import { codeOf } from './charter-questions';
import type { CharterRequestRow } from './charter.tables';
import { proposalIdOf } from './proposal';

/** What the jobs of a request leave those that wait for them, by their names in the flow. */
export const charterFlowNames = {
  client: 'client-data',
  flights: 'flight-search',
  analysis: 'proposal-analysis',
} as const;

/**
 * The flow of a request: client and flights are looked up side by side, then the quotes are ranked, then the client is
 * written to. Without flights there is nothing to propose; without what is known of the client there is.
 */
export function charterFlow(
  row: Pick<CharterRequestRow, 'id' | 'userId' | 'priority'>,
  request: CharterRequest,
  recipientEmail: string,
): FlowNode {
  const base = { requestId: row.id, userId: row.userId, priority: row.priority };
  const options = { priority: row.priority };
  const [leg] = request.legs;
  return {
    type: 'communication-job',
    payload: { ...base, type: 'send-proposal', proposalId: proposalIdOf(row.id), recipientEmail },
    options,
    children: [
      {
        name: charterFlowNames.analysis,
        type: 'proposal-analysis-job',
        payload: { ...base, type: 'analyze-quotes', quotes: [] },
        options,
        onFailure: 'fails-parent',
        children: [
          {
            name: charterFlowNames.client,
            type: 'client-data-job',
            payload: base,
            options,
            onFailure: 'degrades-parent',
          },
          {
            name: charterFlowNames.flights,
            type: 'flight-search-job',
            payload: {
              ...base,
              type: 'search-flights',
              departure: leg === undefined ? '' : (codeOf(leg.departure) ?? ''),
              arrival: leg === undefined ? '' : (codeOf(leg.arrival) ?? ''),
              passengers: request.passengers ?? 0,
              date: leg?.date ?? '',
            },
            options,
            onFailure: 'fails-parent',
          },
        ],
      },
    ],
  };
}
