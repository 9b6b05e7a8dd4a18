import { Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { Database, type Transaction } from '../../platform/database/database.service';
import { proposals, type Proposal } from './charter.tables';

/** What was offered, one proposal per request. */
@Injectable()
export class Proposals {
  constructor(private readonly database: Database) {}

  /** Keeps a proposal; one that was made before for the request, and not sent yet, gives way. */
  async put(
    transaction: Transaction,
    proposal: Pick<Proposal, 'tenant' | 'id' | 'requestId' | 'options' | 'rejected' | 'caveats'>,
  ): Promise<void> {
    const { options, rejected, caveats } = proposal;
    await transaction
      .insert(proposals)
      .values(proposal)
      .onConflictDoUpdate({
        target: [proposals.tenant, proposals.id],
        set: { options, rejected, caveats },
        setWhere: sql`${proposals.sentAt} IS NULL`,
      });
  }

  async find(id: string, tenant: string): Promise<Proposal | undefined> {
    return this.findIn(this.database.query, id, tenant);
  }

  async findIn(on: Pick<Transaction, 'select'>, id: string, tenant: string): Promise<Proposal | undefined> {
    const [found] = await on
      .select()
      .from(proposals)
      .where(and(eq(proposals.tenant, tenant), eq(proposals.id, id)));
    return found;
  }

  async ofRequest(requestId: string, tenant: string): Promise<Proposal | undefined> {
    const [found] = await this.database.query
      .select()
      .from(proposals)
      .where(and(eq(proposals.tenant, tenant), eq(proposals.requestId, requestId)));
    return found;
  }

  async settleSent(
    transaction: Transaction,
    { id, tenant }: Pick<Proposal, 'id' | 'tenant'>,
    sent: { readonly recipientEmail: string; readonly emailJobId: string },
  ): Promise<void> {
    await transaction
      .update(proposals)
      .set({ ...sent, sentAt: sql`now()` })
      .where(and(eq(proposals.tenant, tenant), eq(proposals.id, id)));
  }
}
