import { Injectable } from '@nestjs/common';
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { createHash } from 'node:crypto';
import { Database, type Transaction } from '../../platform/database/database.service';
import { clients, type Client, type ClientPreferences } from './charter.tables';

/** What may be said of a client; what is not named stays as it is. */
export interface ClientWish {
  readonly name?: string | null;
  readonly phone?: string | null;
  readonly company?: string | null;
  readonly preferences?: ClientPreferences;
}

/** The clients of each tenant, one per mail address. */
@Injectable()
export class Clients {
  constructor(private readonly database: Database) {}

  /** The id of whoever has this address, there or not. */
  idOf(email: string, tenant: string): string {
    return `client_${createHash('sha256').update(`${tenant}\0${email.toLowerCase()}`).digest('base64url').slice(0, 22)}`;
  }

  async find(id: string, tenant: string): Promise<Client | undefined> {
    const [found] = await this.database.query
      .select()
      .from(clients)
      .where(and(eq(clients.tenant, tenant), eq(clients.id, id)));
    return found;
  }

  /** By address; with `after` the next ones in order of address. */
  list(options: { tenant: string; limit: number; after?: string; email?: string }): Promise<Client[]> {
    const { tenant, limit, after, email } = options;
    const conditions = [eq(clients.tenant, tenant)];
    if (after !== undefined) conditions.push(gt(clients.email, after));
    if (email !== undefined) conditions.push(eq(clients.email, email.toLowerCase()));
    return this.database.query
      .select()
      .from(clients)
      .where(and(...conditions))
      .orderBy(asc(clients.email))
      .limit(limit);
  }

  /** Creates whoever has this address, or adds to what is known of them; preferences are merged one by one. */
  async merge(email: string, wish: ClientWish, tenant: string): Promise<{ client: Client; isNew: boolean }> {
    return this.database.transaction((transaction) => this.mergeIn(transaction, email, wish, tenant));
  }

  async mergeIn(
    transaction: Transaction,
    email: string,
    wish: ClientWish,
    tenant: string,
  ): Promise<{ client: Client; isNew: boolean }> {
    const id = this.idOf(email, tenant);
    const { preferences = {}, ...plain } = wish;
    const added = await transaction
      .insert(clients)
      .values({ tenant, id, email: email.toLowerCase(), ...plain, preferences })
      .onConflictDoNothing()
      .returning();
    if (added[0] !== undefined) return { client: added[0], isNew: true };
    const known = Object.fromEntries(Object.entries(plain).filter(([, value]) => value != null));
    const [merged] = await transaction
      .update(clients)
      .set({
        ...known,
        preferences: sql`${clients.preferences} || ${JSON.stringify(preferences)}::jsonb`,
        version: sql`${clients.version} + 1`,
        updatedAt: sql`now()`,
      })
      .where(and(eq(clients.tenant, tenant), eq(clients.id, id)))
      .returning();
    return { client: merged!, isNew: false };
  }

  /** Notes a request of the client; once per job, because its transaction is. */
  async countRequest(transaction: Transaction, id: string, tenant: string): Promise<void> {
    await transaction
      .update(clients)
      .set({ requestCount: sql`${clients.requestCount} + 1`, lastRequestAt: sql`now()` })
      .where(and(eq(clients.tenant, tenant), eq(clients.id, id)));
  }

  /** Sets what is named, null included; undefined where the version is another one, or nobody is there. */
  async change(id: string, wish: ClientWish, version: number, tenant: string): Promise<Client | undefined> {
    const [changed] = await this.database.query
      .update(clients)
      .set({ ...wish, version: sql`${clients.version} + 1`, updatedAt: sql`now()` })
      .where(and(eq(clients.tenant, tenant), eq(clients.id, id), eq(clients.version, version)))
      .returning();
    return changed;
  }

  async remove(id: string, tenant: string): Promise<boolean> {
    const gone = await this.database.query
      .delete(clients)
      .where(and(eq(clients.tenant, tenant), eq(clients.id, id)))
      .returning({ id: clients.id });
    return gone.length > 0;
  }
}
