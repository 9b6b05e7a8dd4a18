import type { ClientDataPayload } from '../client-data/client-data.payload';
import type { ClientPreferences } from '../charter.tables';
import type { FlightSearchResult } from '../quote';

/** What the jobs that an analysis waits for leave it, by their names in the flow. */
export interface FlowResults {
  readonly 'flight-search': FlightSearchResult;
  readonly 'client-data': {
    readonly requestId: ClientDataPayload['requestId'];
    readonly client: { readonly name: string | null; readonly preferences: ClientPreferences } | null;
  };
}
