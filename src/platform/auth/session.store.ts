import { Injectable } from '@nestjs/common';
import { eq, inArray, lt, sql } from 'drizzle-orm';
import { Database, type Transaction } from '../database/database.service';
import { authFacts, sessions } from './auth.tables';

export type Session = typeof sessions.$inferSelect;

const SIGNING_SECRET = 'session_secret';

/** The browser sessions as PostgreSQL holds them. Every method rejects while the database is away. */
@Injectable()
export class SessionStore {
  constructor(private readonly database: Database) {}

  async create(session: Session): Promise<void> {
    this.database.assertReady();
    await this.database.query.insert(sessions).values(session);
    await this.database.query.delete(sessions).where(lt(sessions.expiresAt, sql`now()`));
  }

  async find(idHash: string): Promise<Session | undefined> {
    this.database.assertReady();
    const [session] = await this.database.query.select().from(sessions).where(eq(sessions.idHash, idHash));
    return session;
  }

  async remove(idHash: string): Promise<void> {
    this.database.assertReady();
    await this.database.query.delete(sessions).where(eq(sessions.idHash, idHash));
  }

  /** At most so many sessions that ended before a moment, the oldest first; resolves with the number of those removed. */
  async removeExpired(before: Date, limit: number, transaction: Transaction): Promise<number> {
    const gone = await transaction
      .delete(sessions)
      .where(inArray(sessions.idHash, expired(before, limit, transaction)))
      .returning({ idHash: sessions.idHash });
    return gone.length;
  }

  /** How many {@link removeExpired} would remove. */
  async countExpired(before: Date, limit: number, transaction: Transaction): Promise<number> {
    return (await expired(before, limit, transaction)).length;
  }

  /** The secret that signs cookies: the first process proposes it, all of them take what is stored. */
  async signingSecret(proposal: string): Promise<string> {
    this.database.assertReady();
    const { query } = this.database;
    await query.insert(authFacts).values({ name: SIGNING_SECRET, value: proposal }).onConflictDoNothing();
    const [fact] = await query.select().from(authFacts).where(eq(authFacts.name, SIGNING_SECRET));
    if (fact === undefined) throw new Error('The secret that signs sessions vanished while it was read.');
    return fact.value;
  }
}

function expired(before: Date, limit: number, transaction: Transaction) {
  return transaction
    .select({ idHash: sessions.idHash })
    .from(sessions)
    .where(lt(sessions.expiresAt, before))
    .orderBy(sessions.expiresAt)
    .limit(limit);
}
