import { bigint, index, integer, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true });
// As BullMQ keeps them: epoch milliseconds of the clock of whoever added or started the job.
const epochMs = (name: string) => bigint(name, { mode: 'number' });

/** The newest start of each job that has had an effect; its row lock puts the starts of one job in line. */
export const effectFences = pgTable(
  'effect_fences',
  {
    jobId: text('job_id').primaryKey(),
    /** When the job was first added: a later job under the same key is another one, a redriven job is not. */
    life: epochMs('life').notNull(),
    jobCreatedAt: epochMs('job_created_at').notNull(),
    starts: integer('starts').notNull(),
    startedAt: epochMs('started_at').notNull(),
    touchedAt: moment('touched_at').notNull().defaultNow(),
  },
  (table) => [index('effect_fences_by_age').on(table.touchedAt)],
);

/** What the jobs have done, step by step; a step that is only claimed may have happened or not. */
export const effects = pgTable(
  'effects',
  {
    jobId: text('job_id')
      .notNull()
      .references(() => effectFences.jobId, { onDelete: 'cascade' }),
    step: text('step').notNull(),
    life: epochMs('life').notNull(),
    state: text('state').notNull().$type<'claimed' | 'done'>(),
    /** JSON; null for a step without a result. */
    result: text('result'),
    starts: integer('starts').notNull(),
    writtenAt: moment('written_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.step] })],
);
