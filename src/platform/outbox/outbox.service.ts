import { Injectable } from '@nestjs/common';
import { and, eq } from 'drizzle-orm';
import { withPayloads, type FlowNode } from '../flows/flow-node';
import type { Transaction } from '../database/database.service';
import { correlationId } from '../logging/correlation';
import { QueueRegistry } from '../queue/queue-registry.service';
import { sealed } from '../secrets/payload-secrets';
import { OutboxRelay } from './outbox-relay.service';
import { outbox } from './outbox.tables';

export interface PromisedJob {
  readonly type: string;
  /** Derives the job's id, so that a repeated relay is still one job. */
  readonly key: string;
  readonly payload: object;
  readonly options?: FlowNode['options'];
  readonly tenant?: string;
  /** Who asked for the job. */
  readonly caller?: string;
}

/** A whole flow, whose root gets the key. */
export interface PromisedFlow extends Pick<PromisedJob, 'key' | 'tenant' | 'caller'> {
  readonly root: FlowNode;
}

/** Promises a job in the same transaction as the row it belongs to. */
@Injectable()
export class Outbox {
  constructor(
    private readonly relay: OutboxRelay,
    private readonly registry: QueueRegistry,
  ) {}

  put(transaction: Transaction, job: PromisedJob): Promise<void> {
    return this.putAll(transaction, [job]);
  }

  /** Some dozens of jobs in one statement. */
  async putAll(transaction: Transaction, jobs: readonly PromisedJob[]): Promise<void> {
    if (jobs.length === 0) return;
    const rows = jobs.map(({ type, key, payload, options, tenant = 'default', caller }) => ({
      tenant,
      jobType: type,
      key,
      payload: this.sealed(tenant, { type, payload }),
      options,
      caller,
      correlationId: correlationId(),
    }));
    await transaction.insert(outbox).values(rows);
  }

  /** Promises all jobs of a flow; they are added in one step, and once. */
  async putFlow(
    transaction: Transaction,
    { root, key, tenant = 'default', caller }: PromisedFlow,
  ): Promise<void> {
    const { type, payload, options, children = [] } = withPayloads(root, (node) => this.sealed(tenant, node));
    await transaction.insert(outbox).values({
      tenant,
      jobType: type,
      key,
      payload,
      options,
      children,
      caller,
      correlationId: correlationId(),
    });
  }

  /** Takes a promise back; false where the job was added already, or never promised. Waits for a relay that has it. */
  async withdraw(
    transaction: Transaction,
    { type, key, tenant = 'default' }: Pick<PromisedJob, 'type' | 'key' | 'tenant'>,
  ): Promise<boolean> {
    const gone = await transaction
      .delete(outbox)
      .where(and(eq(outbox.jobType, type), eq(outbox.key, key), eq(outbox.tenant, tenant)))
      .returning({ id: outbox.id });
    return gone.length > 0;
  }

  /** Call it after the commit: the relay looks at once instead of at its next turn. */
  wakeRelay(): void {
    this.relay.wake();
  }

  private sealed(tenant: string, { type, payload }: Pick<FlowNode, 'type' | 'payload'>): object {
    const known = this.registry.type(type);
    return known === undefined ? payload : sealed(known.queue, known.job.payload, { tenant, type }, payload);
  }
}
