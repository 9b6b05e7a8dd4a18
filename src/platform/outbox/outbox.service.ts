import { Injectable } from '@nestjs/common';
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
  readonly tenant?: string;
  /** Who asked for the job. */
  readonly caller?: string;
}

/** Promises a job in the same transaction as the row it belongs to. */
@Injectable()
export class Outbox {
  constructor(
    private readonly relay: OutboxRelay,
    private readonly registry: QueueRegistry,
  ) {}

  async put(
    transaction: Transaction,
    { type, key, payload, tenant = 'default', caller }: PromisedJob,
  ): Promise<void> {
    const known = this.registry.type(type);
    const stored =
      known === undefined ? payload : sealed(known.queue, known.job.payload, { tenant, type }, payload);
    await transaction
      .insert(outbox)
      .values({ tenant, jobType: type, key, payload: stored, caller, correlationId: correlationId() });
  }

  /** Call it after the commit: the relay looks at once instead of at its next turn. */
  wakeRelay(): void {
    this.relay.wake();
  }
}
