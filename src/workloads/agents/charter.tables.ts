import {
  bigint,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import type { ModelUsage } from '../../integrations/charter-language/charter-extractor';
import type { CharterRequest, MissingField } from '../../integrations/charter-language/charter-request';
import type { Priority } from '../../platform/queue/priority';
import type { ProposedOption, RejectedAircraft } from './proposal';
import type { RankingWeights } from './proposal-analysis/quote-ranking';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

export const charterStatuses = [
  'received',
  'needs_information',
  'searching',
  'proposed',
  'no_offer',
  'failed',
  'cancelled',
] as const;
/** `no_offer`: the client was told that nothing of the fleet can fly this. */
export type CharterStatus = (typeof charterStatuses)[number];

export interface CharterAnswer {
  /** As the question named it. */
  readonly field: string;
  readonly answer: string;
  /** The reading of the request that it was given after, from 1. */
  readonly round: number;
}

/** Charter requests in plain words, and how far they are. */
export const charterRequests = pgTable(
  'charter_requests',
  {
    tenant: text('tenant').notNull(),
    id: text('id').notNull(),
    userId: text('user_id').notNull(),
    caller: text('caller'),
    message: text('message').notNull(),
    clientEmail: text('client_email'),
    clientName: text('client_name'),
    /** IANA name; where "tomorrow" begins for who has written. */
    timeZone: text('time_zone').notNull(),
    priority: text('priority').notNull().$type<Priority>(),
    status: text('status').notNull().default('received').$type<CharterStatus>(),
    /** How often the request has been read: once, and again after each set of answers. */
    round: integer('round').notNull().default(1),
    /** The job that reads it in this round. */
    jobId: text('job_id').notNull(),
    /** What was understood. */
    extraction: jsonb('extraction').$type<CharterRequest>(),
    /** Who has read it: `embedded`, or a model. */
    provider: text('provider'),
    /** What the readings took of a model, in all. */
    usage: jsonb('usage').$type<ModelUsage>(),
    missing: jsonb('missing').notNull().default([]).$type<readonly MissingField[]>(),
    answers: jsonb('answers').notNull().default([]).$type<readonly CharterAnswer[]>(),
    flowId: text('flow_id'),
    error: text('error'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    /** When everything was known that the search needs; waiting for answers is not our time. */
    completeAt: moment('complete_at'),
    /** When the mail with the proposal was promised. */
    proposedAt: moment('proposed_at'),
    /** Rises with every change; the ETag. */
    version: bigint('version', { mode: 'number' }).notNull().default(1),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.id] }),
    index('charter_requests_newest').on(
      table.tenant,
      table.createdAt.desc().nullsFirst(),
      table.id.desc().nullsFirst(),
    ),
    index('charter_requests_status').on(
      table.tenant,
      table.status,
      table.createdAt.desc().nullsFirst(),
      table.id.desc().nullsFirst(),
    ),
    index('charter_requests_client').on(table.tenant, table.clientEmail),
  ],
);

export type CharterRequestRow = typeof charterRequests.$inferSelect;

/** What was offered, one per request. */
export const proposals = pgTable(
  'charter_proposals',
  {
    tenant: text('tenant').notNull(),
    id: text('id').notNull(),
    requestId: text('request_id').notNull(),
    /** The best first; none where nothing can fly it. */
    options: jsonb('options').notNull().$type<readonly ProposedOption[]>(),
    rejected: jsonb('rejected').notNull().$type<readonly RejectedAircraft[]>(),
    /** What had to be left out, in words: a client's preferences that could not be read. */
    caveats: jsonb('caveats').notNull().default([]).$type<readonly string[]>(),
    recipientEmail: text('recipient_email'),
    emailJobId: text('email_job_id'),
    createdAt: moment('created_at').notNull().defaultNow(),
    sentAt: moment('sent_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.id] }),
    uniqueIndex('charter_proposals_request').on(table.tenant, table.requestId),
  ],
);

export type Proposal = typeof proposals.$inferSelect;

/** What a client likes, as far as it was told. */
export interface ClientPreferences {
  readonly aircraftClass?: string;
  /** Whole US dollars for a trip. */
  readonly budget?: number;
  readonly weights?: RankingWeights;
  readonly notes?: string;
}

/** Clients by their mail address, in lower case. */
export const clients = pgTable(
  'clients',
  {
    tenant: text('tenant').notNull(),
    id: text('id').notNull(),
    email: text('email').notNull(),
    name: text('name'),
    phone: text('phone'),
    company: text('company'),
    preferences: jsonb('preferences').notNull().default({}).$type<ClientPreferences>(),
    /** Requests that were read for this client. */
    requestCount: integer('request_count').notNull().default(0),
    lastRequestAt: moment('last_request_at'),
    version: bigint('version', { mode: 'number' }).notNull().default(1),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.id] }),
    uniqueIndex('clients_email').on(table.tenant, table.email),
  ],
);

export type Client = typeof clients.$inferSelect;
