import { and, eq, sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.service';
import type { EffectOwner } from './effect-owner';
import { EffectRefusedError } from './effect-refused.error';
import { effectFences, effects } from './effects.tables';

// A process that froze inside its transaction holds the fence. The server ends such a transaction before
// the successor, who waits for the row, reaches its statement's limit of 10 s.
const MAX_IDLE_IN_TRANSACTION_MS = 8_000;

// Workers' clocks differ by a little, and a job that was given back may start elsewhere at once.
// A zombie began at least one lock's time before its successor.
const MAX_CLOCK_DIFFERENCE_MS = 5_000;

/** A step of a job as it stands; `life` says which job of this id it belongs to. */
export interface KnownStep {
  readonly life: number;
  readonly state?: 'claimed' | 'done';
  readonly result?: string | null;
}

/**
 * Locks the job's fence until the transaction ends and reads the step.
 * Throws {@link EffectRefusedError} when a newer start of the job has been here.
 */
export async function takeStep(
  transaction: Transaction,
  owner: EffectOwner,
  step: string,
  maxIdleMs = MAX_IDLE_IN_TRANSACTION_MS,
): Promise<KnownStep> {
  const life = await takeFence(transaction, owner, maxIdleMs);
  if (life === undefined) throw new EffectRefusedError(owner.jobId, step, 'superseded');
  // Not in the statement before: that one sees what was there before it waited for the lock.
  const [row] = await transaction
    .select({ life: effects.life, state: effects.state, result: effects.result })
    .from(effects)
    .where(and(eq(effects.jobId, owner.jobId), eq(effects.step, step)));
  return row === undefined || row.life !== life ? { life } : row;
}

async function takeFence(
  transaction: Transaction,
  { jobId, createdAt, starts, startedAt, isRedriven }: EffectOwner,
  maxIdleMs: number,
): Promise<number | undefined> {
  // `excluded` is the start that asks, `held` the newest one known.
  // Neither number would do alone: starts begin anew after a redrive, clocks differ.
  const { rows } = await transaction.execute<{ life: string }>(sql`
    INSERT INTO ${effectFences} AS held (job_id, life, job_created_at, starts, started_at)
    VALUES (${jobId}, ${createdAt}, ${createdAt}, ${starts}, ${startedAt})
    ON CONFLICT (job_id) DO UPDATE SET
      life = CASE
        WHEN excluded.job_created_at > held.job_created_at AND NOT ${isRedriven} THEN excluded.life
        ELSE held.life
      END,
      job_created_at = excluded.job_created_at,
      starts = excluded.starts,
      started_at = excluded.started_at,
      touched_at = now()
    WHERE excluded.job_created_at > held.job_created_at
      OR (excluded.job_created_at = held.job_created_at
        AND (excluded.started_at > held.started_at
          OR (excluded.starts >= held.starts
            AND excluded.started_at > held.started_at - ${MAX_CLOCK_DIFFERENCE_MS}::bigint)))
    RETURNING life, set_config('idle_in_transaction_session_timeout', ${String(maxIdleMs)}, true)`);
  return rows[0] === undefined ? undefined : Number(rows[0].life);
}

/** Writes the step; one of an earlier job under the same id gives way. */
export async function writeStep(
  transaction: Transaction,
  { jobId, starts }: EffectOwner,
  step: string,
  written: Required<KnownStep>,
): Promise<void> {
  const row = { ...written, starts, writtenAt: sql`now()` };
  await transaction
    .insert(effects)
    .values({ jobId, step, ...row })
    .onConflictDoUpdate({ target: [effects.jobId, effects.step], set: row });
}
