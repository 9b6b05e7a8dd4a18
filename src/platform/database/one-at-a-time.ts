import { sql } from 'drizzle-orm';
import type { Transaction } from './database.service';

/**
 * Until this transaction ends nobody else gets past here with the same name, so that rows can be counted and one be
 * added as if in one step.
 */
export async function oneAtATime(transaction: Transaction, name: string): Promise<void> {
  await transaction.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`);
}
