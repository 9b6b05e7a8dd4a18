import { Injectable } from '@nestjs/common';
import { and, desc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import { correlationId } from '../../platform/logging/correlation';
import { Outbox } from '../../platform/outbox/outbox.service';
import { jobId } from '../../platform/queue/job-id';
import { isRunId } from './run-id';
import {
  validationLogs,
  validationRemovals,
  validationRuns,
  type ValidationStatus,
} from './validation.tables';

export type ValidationRun = typeof validationRuns.$inferSelect;

export interface NewRun {
  readonly id: string;
  readonly tenant: string;
  /** Who asked for it. */
  readonly caller?: string;
  readonly fileId: string;
  readonly fileName: string;
  readonly fileBytes: number;
  readonly ruleSet?: { readonly name: string };
  readonly previousRunId?: string;
}

/** Where the next page of a list begins: right after this run. */
export interface RunPosition {
  readonly createdAt: Date;
  readonly id: string;
}

const unfinished: ValidationStatus[] = ['queued', 'processing'];

export function isFinished(status: ValidationStatus): boolean {
  return !unfinished.includes(status);
}

/** The key of a run's job, as document 002 writes it. */
export function jobKeyOf(runId: string): string {
  return `validation-${runId}`;
}

/** The runs as callers see them. */
@Injectable()
export class ValidationRunStore {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  /** Stores the run and promises its job, both or neither; a run that exists already is answered as it is. */
  async create(run: NewRun): Promise<ValidationRun> {
    const { ruleSet, caller, ...columns } = run;
    const key = jobKeyOf(run.id);
    const created = await this.database.transaction(async (transaction) => {
      const [row] = await transaction
        .insert(validationRuns)
        .values({
          ...columns,
          jobId: jobId('validation', key, run.tenant),
          correlationId: correlationId(),
          // In whole milliseconds, so that a cursor holds exactly what the table holds.
          createdAt: new Date(),
          ...(ruleSet !== undefined && { ruleSet, ruleSetName: ruleSet.name }),
        })
        .onConflictDoNothing({ target: validationRuns.id })
        .returning();
      if (row === undefined) return undefined;
      await transaction.insert(validationLogs).values({
        validationRunId: run.id,
        source: 'api',
        message: `Accepted a file of ${run.fileBytes} bytes${ruleSet === undefined ? '' : ` for rule set ${ruleSet.name}`}`,
      });
      const payload = { validationRunId: run.id, fileName: run.fileName };
      await this.outbox.put(transaction, {
        type: 'validate-file',
        key,
        payload,
        tenant: run.tenant,
        ...(caller !== undefined && { caller }),
      });
      return row;
    });
    this.outbox.wakeRelay();
    const stored = created ?? (await this.find(run.id, run.tenant));
    if (stored === undefined) throw new Error(`Run ${run.id} was deleted while it was created.`);
    return stored;
  }

  /** Undefined for anything that is not the id of a run of this tenant. */
  async find(id: string, tenant = 'default'): Promise<ValidationRun | undefined> {
    if (!isRunId(id)) return undefined;
    const [run] = await this.database.query
      .select()
      .from(validationRuns)
      .where(and(eq(validationRuns.id, id), eq(validationRuns.tenant, tenant)));
    return run;
  }

  /** Those of the runs that exist. */
  async findMany(ids: readonly string[]): Promise<ValidationRun[]> {
    if (ids.length === 0) return [];
    return this.database.query
      .select()
      .from(validationRuns)
      .where(inArray(validationRuns.id, [...ids]));
  }

  /** Newest first. */
  async list(
    options: { limit: number; status?: ValidationStatus; after?: RunPosition },
    tenant = 'default',
  ): Promise<ValidationRun[]> {
    const { status, after } = options;
    const conditions: SQL[] = [eq(validationRuns.tenant, tenant)];
    if (status !== undefined) conditions.push(eq(validationRuns.status, status));
    if (after !== undefined) {
      conditions.push(
        sql`(${validationRuns.createdAt}, ${validationRuns.id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`,
      );
    }
    return this.database.query
      .select()
      .from(validationRuns)
      .where(and(...conditions))
      .orderBy(desc(validationRuns.createdAt), desc(validationRuns.id))
      .limit(options.limit);
  }

  /** Cancels a run that is not finished; undefined when it finished first. A running attempt loses its right to write. */
  async cancel(id: string): Promise<ValidationRun | undefined> {
    return this.database.transaction(async (transaction) => {
      const [run] = await transaction
        .update(validationRuns)
        .set({
          status: 'cancelled',
          stage: null,
          errorMessage: null,
          finishedAt: sql`now()`,
          updatedAt: sql`now()`,
          version: sql`${validationRuns.version} + 1`,
        })
        .where(and(eq(validationRuns.id, id), inArray(validationRuns.status, unfinished)))
        .returning();
      if (run === undefined) return undefined;
      await transaction
        .insert(validationLogs)
        .values({ validationRunId: id, source: 'api', message: 'The run was cancelled' });
      return run;
    });
  }

  /** Makes a finished run disappear for every reader; its rows are removed afterwards. */
  async remove(id: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await transaction.insert(validationRemovals).values({ runId: id }).onConflictDoNothing();
      await transaction.delete(validationLogs).where(eq(validationLogs.validationRunId, id));
      await transaction.delete(validationRuns).where(eq(validationRuns.id, id));
    });
  }
}
