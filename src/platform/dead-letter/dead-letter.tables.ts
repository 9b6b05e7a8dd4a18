import {
  bigint,
  boolean,
  index,
  integer,
  json,
  pgTable,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import type { AttemptRecord } from '../queue/attempt-record';
import type { DeathCause } from '../queue/death-cause';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

export const deadLetterStatuses = ['dead', 'redriving', 'redriven', 'closed', 'discarded'] as const;
/** `closed` was settled by a run that nobody here has started; `discarded` lies in the trash. */
export type DeadLetterStatus = (typeof deadLetterStatuses)[number];

/** What a redrive was told to do, kept so that another process can end what one began. */
export interface RedriveOrder {
  readonly by: string;
  readonly reason: string;
  /** The operation that it is part of. */
  readonly operation?: string;
  /** Whether the job gets its full number of attempts again, or one. */
  readonly resetAttempts: boolean;
  /** The queue that takes it instead of its own. */
  readonly target?: string;
  /** The job type there; that of the dead letter where it is left out. */
  readonly type?: string;
}

/** Every death of every job, until somebody decides; the queues `<queue>_dlq` in Redis only show the newest. */
export const deadLetters = pgTable(
  'dead_letters',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull().default('default'),
    queue: text('queue').notNull(),
    jobId: text('job_id').notNull(),
    generation: integer('generation').notNull().default(0),
    key: text('key'),
    type: text('type').notNull(),
    /** As Redis held it: JSON, unless the cause says otherwise. */
    payload: text('payload').notNull(),
    editedPayload: text('edited_payload'),
    /** BullMQ's options of the job, our origin among them. Not jsonb, which refuses NUL and half surrogates. */
    options: json('options').notNull().$type<Record<string, unknown>>(),
    cause: text('cause').notNull().$type<DeathCause>(),
    attempts: json('attempts').notNull().$type<readonly AttemptRecord[]>(),
    attemptsMade: integer('attempts_made').notNull(),
    attemptsMax: integer('attempts_max').notNull(),
    errorName: text('error_name').notNull(),
    errorMessage: text('error_message').notNull(),
    errorStack: text('error_stack'),
    fingerprint: text('fingerprint').notNull(),
    createdAt: moment('created_at'),
    finishedAt: bigint('finished_at', { mode: 'number' }).notNull(),
    parkedAt: moment('parked_at').notNull().defaultNow(),
    status: text('status').notNull().default('dead').$type<DeadLetterStatus>(),
    changedAt: moment('changed_at').notNull().defaultNow(),
    changedBy: text('changed_by'),
    changeReason: text('change_reason'),
    redriveCount: integer('redrive_count').notNull().default(0),
    redriveOrder: json('redrive_order').$type<RedriveOrder>(),
    /** The job that runs in its place; its own id again where it went back to its queue. */
    redrivenAs: text('redriven_as'),
    /** The dead letter of the run before. */
    redrivenFrom: text('redriven_from'),
    /** Whether the entry in Redis has to change, and which way. */
    isShown: boolean('is_shown').notNull().default(false),
    isShownWanted: boolean('is_shown_wanted').notNull().default(true),
  },
  (table) => [
    uniqueIndex('dead_letters_death').on(table.jobId, table.finishedAt),
    index('dead_letters_newest').on(
      table.tenant,
      table.finishedAt.desc().nullsFirst(),
      table.id.desc().nullsFirst(),
    ),
    index('dead_letters_of_queue').on(table.queue, table.status, table.finishedAt, table.id),
    index('dead_letters_fingerprint').on(table.fingerprint, table.finishedAt),
    index('dead_letters_redriven_from').on(table.redrivenFrom),
    index('dead_letters_redriven_as').on(table.redrivenAs),
    index('dead_letters_status').on(table.status, table.changedAt),
  ],
);

/** How far the failed set of each queue has been read. */
export const deadLetterCursors = pgTable('dead_letter_cursors', {
  queue: text('queue').primaryKey(),
  finishedAt: bigint('finished_at', { mode: 'number' }).notNull(),
  jobId: text('job_id').notNull(),
  /** Up to where it was read a second time, for what came in behind the cursor. */
  lookedBackTo: bigint('looked_back_to', { mode: 'number' }).notNull().default(0),
});
