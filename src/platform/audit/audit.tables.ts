import { bigint, index, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

// In whole milliseconds: what is hashed has to come back from the table as it was.
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

/** What people did, one row after the other without a gap; each row's hash covers it and the row before. */
export const auditEntries = pgTable(
  'audit_entries',
  {
    seq: bigint('seq', { mode: 'number' }).primaryKey(),
    at: moment('at').notNull(),
    tenant: text('tenant').notNull(),
    actor: text('actor').notNull(),
    role: text('role'),
    origin: text('origin').notNull().$type<'api' | 'dashboard' | 'command line'>(),
    action: text('action').notNull(),
    target: text('target'),
    reason: text('reason'),
    /** JSON: what changed, as far as it is nobody's payload. */
    detail: text('detail'),
    outcome: text('outcome').notNull().$type<AuditOutcome>(),
    status: integer('status'),
    requestId: text('request_id').notNull(),
    hash: text('hash').notNull(),
    /** Where the entry waited in Redis; tells an entry that comes twice. */
    spoolId: text('spool_id').unique(),
  },
  (table) => [
    index('audit_entries_by_actor').on(table.actor, table.seq),
    index('audit_entries_by_action').on(table.action, table.seq),
    index('audit_entries_by_target').on(table.target, table.seq),
  ],
);

/** The end of the chain, apart from it, so that rows that are cut off at the end are missed. */
export const auditHead = pgTable('audit_head', {
  id: integer('id').primaryKey(),
  seq: bigint('seq', { mode: 'number' }).notNull(),
  hash: text('hash').notNull(),
});

/** `unknown`: the process died while it was at it. */
export type AuditOutcome = 'done' | 'refused' | 'failed' | 'unknown';

export type AuditRow = typeof auditEntries.$inferSelect;
