import { bigint, boolean, index, integer, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

export const errorGroupStatuses = ['open', 'resolved', 'ignored'] as const;
export type ErrorGroupStatus = (typeof errorGroupStatuses)[number];

/** What jobs of a tenant have died of, by the fingerprint that the dead letters carry. */
export const errorGroups = pgTable(
  'error_groups',
  {
    tenant: text('tenant').notNull(),
    fingerprint: text('fingerprint').notNull(),
    status: text('status').notNull().default('open').$type<ErrorGroupStatus>(),
    /** Deaths so far. */
    count: bigint('count', { mode: 'number' }).notNull().default(0),
    queues: text('queues').array().notNull(),
    types: text('types').array().notNull(),
    errorName: text('error_name').notNull(),
    /** The message of the newest death. */
    errorMessage: text('error_message').notNull(),
    /** The newest dead letter. */
    deadLetterId: text('dead_letter_id').notNull(),
    firstSeenAt: moment('first_seen_at').notNull(),
    lastSeenAt: moment('last_seen_at').notNull(),
    /** The releases of Holdfast that met it first and last, as far as known. */
    firstVersion: text('first_version'),
    lastVersion: text('last_version'),
    /** Whether it came back after somebody had resolved it. */
    isRegression: boolean('is_regression').notNull().default(false),
    /** Deaths in the newest window of the rate, and which window that is. */
    windowCount: integer('window_count').notNull().default(0),
    windowNumber: bigint('window_number', { mode: 'number' }).notNull().default(0),
    decidedAt: moment('decided_at'),
    decidedBy: text('decided_by'),
    decisionReason: text('decision_reason'),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.fingerprint] }),
    index('error_groups_newest').on(
      table.tenant,
      table.lastSeenAt.desc().nullsFirst(),
      table.fingerprint.desc().nullsFirst(),
    ),
    index('error_groups_status').on(
      table.tenant,
      table.status,
      table.lastSeenAt.desc().nullsFirst(),
      table.fingerprint.desc().nullsFirst(),
    ),
    index('error_groups_age').on(table.lastSeenAt),
  ],
);

export type ErrorGroup = typeof errorGroups.$inferSelect;
