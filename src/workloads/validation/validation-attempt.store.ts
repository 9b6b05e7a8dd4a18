import { Injectable } from '@nestjs/common';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import type { ValidationRun } from './validation-run.store';
import { validationRuns, type ValidationStage } from './validation.tables';

/** One start of a run's job; `attempt` is the fence that every later write has to show. */
export type Attempt = Pick<ValidationRun, 'id' | 'attempt'>;

export interface AttemptProgress {
  readonly stage: ValidationStage;
  /** 0 to 100, over all stages. */
  readonly percent: number;
  readonly rowsRead: number;
  readonly findings: number;
}

const next = { updatedAt: sql`now()`, version: sql`${validationRuns.version} + 1` };

/** What the worker writes of a run; an attempt that was superseded or cancelled changes nothing. */
@Injectable()
export class ValidationAttemptStore {
  constructor(private readonly database: Database) {}

  /**
   * Begins a new attempt and shuts every earlier one out; undefined for a run that is completed, cancelled or gone.
   * A failed run begins anew, because its job only comes back when someone sent it back.
   */
  async claim(runId: string): Promise<ValidationRun | undefined> {
    const [run] = await this.database.query
      .update(validationRuns)
      .set({
        ...next,
        status: 'processing',
        attempt: sql`${validationRuns.attempt} + 1`,
        stage: 'parse',
        progress: 0,
        errorMessage: null,
        rowsRead: 0,
        findingsSoFar: 0,
        startedAt: sql`now()`,
        finishedAt: null,
      })
      .where(
        and(eq(validationRuns.id, runId), inArray(validationRuns.status, ['queued', 'processing', 'failed'])),
      )
      .returning();
    return run;
  }

  /** False when the attempt is no longer the one that works on the run. */
  async progress(
    attempt: Attempt,
    { stage, percent, rowsRead, findings }: AttemptProgress,
  ): Promise<boolean> {
    const updated = await this.database.query
      .update(validationRuns)
      .set({
        ...next,
        stage,
        progress: Math.round(Math.min(100, Math.max(0, percent)) * 100) / 100,
        rowsRead,
        findingsSoFar: findings,
      })
      .where(mine(attempt))
      .returning({ id: validationRuns.id });
    return updated.length > 0;
  }

  /** Puts the run back in the queue's hands; the message says what ended the attempt, if anything did. */
  async giveBack(attempt: Attempt, errorMessage: string | null): Promise<boolean> {
    const updated = await this.database.query
      .update(validationRuns)
      .set({ ...next, status: 'queued', stage: null, progress: 0, errorMessage })
      .where(mine(attempt))
      .returning({ id: validationRuns.id });
    return updated.length > 0;
  }

  /** Ends the run; the upload stays, so that its job can be sent back. */
  async fail(attempt: Attempt, errorMessage: string): Promise<boolean> {
    const updated = await this.database.query
      .update(validationRuns)
      .set({ ...next, status: 'failed', stage: null, errorMessage, finishedAt: sql`now()` })
      .where(mine(attempt))
      .returning({ id: validationRuns.id });
    return updated.length > 0;
  }

  /** Ends a run on whose behalf no attempt can speak any more: its job failed without its handler. */
  async failAbandoned(runId: string, errorMessage: string, version?: number): Promise<boolean> {
    const updated = await this.database.query
      .update(validationRuns)
      .set({ ...next, status: 'failed', stage: null, errorMessage, finishedAt: sql`now()` })
      .where(
        and(
          eq(validationRuns.id, runId),
          inArray(validationRuns.status, ['queued', 'processing']),
          version === undefined ? undefined : eq(validationRuns.version, version),
        ),
      )
      .returning({ id: validationRuns.id });
    return updated.length > 0;
  }

  async state(runId: string): Promise<Pick<ValidationRun, 'status' | 'attempt'> | undefined> {
    const [run] = await this.database.query
      .select({ status: validationRuns.status, attempt: validationRuns.attempt })
      .from(validationRuns)
      .where(eq(validationRuns.id, runId));
    return run;
  }
}

function mine({ id, attempt }: Attempt) {
  return and(
    eq(validationRuns.id, id),
    eq(validationRuns.attempt, attempt),
    eq(validationRuns.status, 'processing'),
  );
}
