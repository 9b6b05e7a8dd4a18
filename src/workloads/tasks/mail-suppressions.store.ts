import { Injectable } from '@nestjs/common';
import { and, asc, eq, gt, inArray } from 'drizzle-orm';
import { plainAddress } from '../../integrations/mail/mail-address';
import { Database } from '../../platform/database/database.service';
import { mailSuppressions, type Suppression } from './mail.tables';

const MAX_REASON_CHARACTERS = 300;

export interface NewSuppression {
  readonly address: string;
  readonly reason: string;
  readonly tenant: string;
  readonly by: string;
}

/** Who gets no mail any more: whoever asked for it, and mailboxes that do not exist. */
@Injectable()
export class MailSuppressions {
  constructor(private readonly database: Database) {}

  /** Those of the addresses that are on the list, in small letters. */
  async among(addresses: readonly string[], tenant: string): Promise<ReadonlySet<string>> {
    const found = await this.database.query
      .select({ address: mailSuppressions.address })
      .from(mailSuppressions)
      .where(
        and(
          eq(mailSuppressions.tenant, tenant),
          inArray(mailSuppressions.address, addresses.map(plainAddress)),
        ),
      );
    return new Set(found.map(({ address }) => address));
  }

  /** The first reason stays. */
  async add({ address, reason, tenant, by }: NewSuppression): Promise<Suppression> {
    const row = {
      tenant,
      address: plainAddress(address),
      reason: reason.slice(0, MAX_REASON_CHARACTERS),
      createdBy: by,
    };
    const [added] = await this.database.query
      .insert(mailSuppressions)
      .values(row)
      .onConflictDoNothing()
      .returning();
    return added ?? (await this.find(row.address, tenant)) ?? { ...row, createdAt: new Date() };
  }

  async list(options: { tenant: string; limit: number; afterAddress: string }): Promise<Suppression[]> {
    const { tenant, limit, afterAddress } = options;
    return this.database.query
      .select()
      .from(mailSuppressions)
      .where(and(eq(mailSuppressions.tenant, tenant), gt(mailSuppressions.address, afterAddress)))
      .orderBy(asc(mailSuppressions.address))
      .limit(limit);
  }

  /** False for an address that is not on the list. */
  async remove(address: string, tenant: string): Promise<boolean> {
    const gone = await this.database.query
      .delete(mailSuppressions)
      .where(and(eq(mailSuppressions.tenant, tenant), eq(mailSuppressions.address, plainAddress(address))))
      .returning({ address: mailSuppressions.address });
    return gone.length > 0;
  }

  private async find(address: string, tenant: string): Promise<Suppression | undefined> {
    const [found] = await this.database.query
      .select()
      .from(mailSuppressions)
      .where(and(eq(mailSuppressions.tenant, tenant), eq(mailSuppressions.address, address)));
    return found;
  }
}
