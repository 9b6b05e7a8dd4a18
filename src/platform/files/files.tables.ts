import { bigint, index, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

// In whole milliseconds, so that a cursor holds exactly what the table holds.
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

/** The files that callers have uploaded and jobs have made; the bytes lie in the storage under `blob`. */
export const storedFiles = pgTable(
  'stored_files',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    /** For display and for saving; never a part of a path. */
    name: text('name').notNull(),
    contentType: text('content_type').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    /** Of all bytes, in hexadecimal. */
    sha256: text('sha256').notNull(),
    blob: text('blob').notNull(),
    createdBy: text('created_by').notNull(),
    /** The job that made the file; null for an upload. */
    jobId: text('job_id'),
    createdAt: moment('created_at').notNull(),
    expiresAt: moment('expires_at').notNull(),
  },
  (table) => [
    index('stored_files_by_tenant').on(table.tenant, table.createdAt, table.id),
    index('stored_files_by_expiry').on(table.expiresAt),
    index('stored_files_by_blob').on(table.blob),
  ],
);

export type FileRecord = typeof storedFiles.$inferSelect;
