import { sql } from 'drizzle-orm';
import type { Transaction } from '../../platform/database/database.service';
import { notificationInboxes } from './notifications.tables';

/** Whose notifications. */
export interface Inbox {
  readonly tenant: string;
  readonly userId: string;
}

// Of the clock, so that an inbox that was removed and comes again goes on above what its readers have seen.
const clockMs = sql`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/** The next version of an inbox; nobody else gets one before the transaction has ended. */
export async function nextVersion(transaction: Transaction, { tenant, userId }: Inbox): Promise<number> {
  const [row] = await transaction
    .insert(notificationInboxes)
    .values({ tenant, userId, version: clockMs as never })
    .onConflictDoUpdate({
      target: [notificationInboxes.tenant, notificationInboxes.userId],
      set: {
        version: sql`greatest(${notificationInboxes.version} + 1, ${clockMs})`,
        changedAt: sql`now()`,
      },
    })
    .returning({ version: notificationInboxes.version });
  return row!.version;
}
