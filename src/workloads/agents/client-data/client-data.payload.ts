import { AgentPayload } from '../agent-payload';

/** Payload of `client-data-job`: the document's `BaseJobData`; the client is that of the request. */
export class ClientDataPayload extends AgentPayload {}
