import { Injectable } from '@nestjs/common';
import { and, asc, eq, gt } from 'drizzle-orm';
import { plainAddress } from '../../integrations/mail/mail-address';
import { Database } from '../../platform/database/database.service';
import { StatementGatherer } from '../../platform/database/statement-gatherer';
import { mailSuppressions, type Suppression } from './mail.tables';

const MAX_REASON_CHARACTERS = 300;

const LOOK_UP = `
SELECT DISTINCT tenant, address FROM mail_suppressions
JOIN unnest($1::text[], $2::text[]) AS asked (tenant, address) USING (tenant, address)`;

interface Recipients {
  readonly tenant: string;
  /** In small letters. */
  readonly addresses: readonly string[];
}

export interface NewSuppression {
  readonly address: string;
  readonly reason: string;
  readonly tenant: string;
  readonly by: string;
}

/** Who gets no mail any more: whoever asked for it, and mailboxes that do not exist. */
@Injectable()
export class MailSuppressions {
  private readonly lookUps = new StatementGatherer<Recipients, ReadonlySet<string>>((asked) =>
    this.lookUp(asked),
  );

  constructor(private readonly database: Database) {}

  /** Those of the addresses that are on the list, in small letters. */
  among(addresses: readonly string[], tenant: string): Promise<ReadonlySet<string>> {
    return this.lookUps.add({ addresses: addresses.map(plainAddress), tenant });
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

  private async lookUp(asked: readonly Recipients[]): Promise<readonly ReadonlySet<string>[]> {
    const found = await this.database.statement<{ tenant: string; address: string }>(LOOK_UP, [
      asked.flatMap(({ addresses, tenant }) => addresses.map(() => tenant)),
      asked.flatMap(({ addresses }) => addresses),
    ]);
    const listed = new Set(found.map(({ tenant, address }) => `${tenant} ${address}`));
    return asked.map(
      ({ addresses, tenant }) => new Set(addresses.filter((address) => listed.has(`${tenant} ${address}`))),
    );
  }

  private async find(address: string, tenant: string): Promise<Suppression | undefined> {
    const [found] = await this.database.query
      .select()
      .from(mailSuppressions)
      .where(and(eq(mailSuppressions.tenant, tenant), eq(mailSuppressions.address, address)));
    return found;
  }
}
