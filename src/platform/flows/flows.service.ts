import { Injectable } from '@nestjs/common';
import { and, desc, eq, isNull, or, sql } from 'drizzle-orm';
import { Database, type Transaction } from '../database/database.service';
import { Outbox } from '../outbox/outbox.service';
import type { CancelWish } from '../queue/attempt-log.service';
import { JobCancellation } from '../worker/job-cancellation.service';
import { FlowAdder } from './flow-adder.service';
import type { FlowNode } from './flow-node';
import { FlowReader } from './flow-reader.service';
import { isOver, type FlowStatus } from './flow-status';
import { flows, type Flow, type FlowJob } from './flows.tables';

export interface NewFlow {
  readonly root: FlowNode;
  /** The same key is the same flow; at most 255 characters. */
  readonly key: string;
  readonly tenant?: string;
  readonly caller?: string;
}

/** Starts, follows and cancels flows: jobs that wait for one another. */
@Injectable()
export class Flows {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly adder: FlowAdder,
    private readonly reader: FlowReader,
    private readonly cancellation: JobCancellation,
  ) {}

  /**
   * Promises a flow in the transaction of the row it belongs to; resolves with its id, which is that of its last job.
   * A flow that was promised before is the same one. Call Outbox.wakeRelay after the commit.
   * Throws FlowRefusedError or UnknownJobTypeError.
   */
  async start(transaction: Transaction, flow: NewFlow): Promise<string> {
    const { root, key, tenant = 'default', caller } = flow;
    const members = this.adder.members(root, { key, tenant });
    const jobs: FlowJob[] = members.map(({ id, known, path, parent, node }) => ({
      id,
      queue: known.definition.name,
      type: node.type,
      path,
      ...(parent !== undefined && { parent }),
      ...(node.onFailure !== undefined && { onFailure: node.onFailure }),
    }));
    const id = jobs[0]!.id;
    const [added] = await transaction
      .insert(flows)
      .values({ id, tenant, key, jobs })
      .onConflictDoNothing()
      .returning({ id: flows.id });
    if (added !== undefined) {
      await this.outbox.putFlow(transaction, { root, key, tenant, ...(caller !== undefined && { caller }) });
    }
    return id;
  }

  /** By its id, or the newest of that key; a flow of another tenant is not there. */
  async find(idOrKey: string, tenant: string): Promise<Flow | undefined> {
    this.database.assertReady();
    const [found] = await this.database.query
      .select()
      .from(flows)
      .where(and(eq(flows.tenant, tenant), or(eq(flows.id, idOrKey), eq(flows.key, idOrKey))))
      .orderBy(desc(flows.createdAt))
      .limit(1);
    return found;
  }

  /** Undefined where there is no such flow. */
  async status(idOrKey: string, tenant: string): Promise<FlowStatus | undefined> {
    const flow = await this.find(idOrKey, tenant);
    return flow === undefined ? undefined : this.reader.read(flow);
  }

  /**
   * Cancels what has not ended, from the last job down, so that nobody runs for want of a child; running handlers are
   * told to stop. Resolves with false where everything has ended. After a crash the same call does the rest.
   */
  async cancel(flow: Flow, { reason, by }: CancelWish): Promise<boolean> {
    const [root] = flow.jobs;
    const before = await this.reader.read(flow);
    if (root === undefined || (isOver(before) && before.state !== 'cancelled')) return false;
    await this.database.transaction(async (transaction) => {
      await this.outbox.withdraw(transaction, { type: root.type, key: flow.key, tenant: flow.tenant });
      await transaction
        .update(flows)
        .set({ cancelledAt: sql`now()`, cancelledBy: by.slice(0, 100), cancelReason: reason.slice(0, 500) })
        .where(and(eq(flows.id, flow.id), isNull(flows.cancelledAt)));
    });
    for (const { id } of flow.jobs) await this.cancellation.cancel(id, { reason, by, isWholeFlow: true });
    return before.state !== 'cancelled';
  }
}
