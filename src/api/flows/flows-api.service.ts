import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/auth/principal';
import type { FlowStatus } from '../../platform/flows/flow-status';
import { Flows } from '../../platform/flows/flows.service';
import { problem } from '../../platform/problems/problem-catalogue';
import { entityTag } from '../../platform/http/entity-tag';
import { flowView } from './flow-view';
import type { FlowDto } from './flow.dto';

// Ids and keys are no longer, and PostgreSQL has no text with a NUL in it.
const nameable = /^[^\0]{1,255}$/;

/** Reads and cancels the flows of a tenant. */
@Injectable()
export class FlowsApi {
  constructor(private readonly flows: Flows) {}

  /** Throws `flow_not_found`. */
  async require(idOrKey: string, tenant: string): Promise<FlowStatus> {
    const status = nameable.test(idOrKey) ? await this.flows.status(idOrKey, tenant) : undefined;
    if (status === undefined) throw problem('flow_not_found');
    return status;
  }

  async read(id: string, viewer: Principal): Promise<{ readonly body: FlowDto; readonly tag: string }> {
    const body = flowView(await this.require(id, viewer.tenant), viewer);
    return { body, tag: entityTag(body) };
  }

  /** Throws `flow_not_found` and `flow_ended`. */
  async cancel(idOrKey: string, principal: Principal, reason: string): Promise<FlowDto> {
    const { tenant, id: by } = principal;
    const flow = nameable.test(idOrKey) ? await this.flows.find(idOrKey, tenant) : undefined;
    if (flow === undefined) throw problem('flow_not_found');
    if (!(await this.flows.cancel(flow, { reason, by }))) throw problem('flow_ended');
    return flowView(await this.require(flow.id, tenant), principal);
  }
}
