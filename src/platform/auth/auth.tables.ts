import { index, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { Grant, KeyRole } from './permissions';

const time = (name: string) => timestamp(name, { withTimezone: true });

/** API keys; of their secrets only the SHA-256, as base64url. */
export const apiKeys = pgTable(
  'api_keys',
  {
    kid: text('kid').primaryKey(),
    tenant: text('tenant').notNull(),
    name: text('name').notNull(),
    role: text('role').notNull().$type<KeyRole>(),
    requestsPerSecond: integer('requests_per_second'),
    jobsPerMinute: integer('jobs_per_minute'),
    queues: jsonb('queues').$type<string[]>(),
    grants: jsonb('grants').notNull().$type<Grant[]>().default([]),
    secretHash: text('secret_hash').notNull(),
    previousSecretHash: text('previous_secret_hash'),
    previousSecretUntil: time('previous_secret_until'),
    expiresAt: time('expires_at'),
    lastUsedAt: time('last_used_at'),
    createdAt: time('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    revokedAt: time('revoked_at'),
  },
  (table) => [
    index('api_keys_newest').on(
      table.tenant,
      table.createdAt.desc().nullsFirst(),
      table.kid.desc().nullsFirst(),
    ),
  ],
);

/** Who is logged in by browser; of the cookie only the SHA-256. */
export const sessions = pgTable(
  'sessions',
  {
    idHash: text('id_hash').primaryKey(),
    kid: text('kid').notNull(),
    /** Ties the session to the very secret it was opened with. */
    secretPrint: text('secret_print').notNull(),
    expiresAt: time('expires_at').notNull(),
  },
  (table) => [index('sessions_by_end').on(table.expiresAt)],
);

/** Single facts that every process has to agree on. */
export const authFacts = pgTable('auth_facts', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
});
