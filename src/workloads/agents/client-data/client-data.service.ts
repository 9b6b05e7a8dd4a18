import { Injectable } from '@nestjs/common';
import type { AgentJob } from '../agent-job';
import { CharterRequests } from '../charter-requests.store';
import type { ClientPreferences } from '../charter.tables';
import { Clients } from '../clients.store';
import type { ClientDataPayload } from './client-data.payload';

/** The client of a request, as far as the proposal needs them. */
export interface ClientData {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly preferences: ClientPreferences;
  readonly isNew: boolean;
  /** This request included. */
  readonly requests: number;
}

export interface ClientDataResult {
  readonly success: true;
  readonly requestId: string;
  /** Null where nobody has said who asks. */
  readonly client: ClientData | null;
}

/** Finds the client of a request by their address, or takes them in. */
@Injectable()
export class ClientDataService {
  constructor(
    private readonly requests: CharterRequests,
    private readonly clients: Clients,
  ) {}

  async lookUp({ requestId }: ClientDataPayload, { tenant, effects }: AgentJob): Promise<ClientDataResult> {
    const request = await this.requests.find(requestId, tenant);
    const email = request?.clientEmail ?? null;
    if (request === undefined || email === null) return { success: true, requestId, client: null };
    const client = await effects.once('merge', async (transaction) => {
      const { clientName: name } = request;
      const merged = await this.clients.mergeIn(transaction, email, name === null ? {} : { name }, tenant);
      await this.clients.countRequest(transaction, merged.client.id, tenant);
      const { id, preferences, requestCount } = merged.client;
      return {
        id,
        email: merged.client.email,
        name: merged.client.name,
        preferences,
        isNew: merged.isNew,
        requests: requestCount + 1,
      };
    });
    return { success: true, requestId, client };
  }
}
