import { Injectable } from '@nestjs/common';
import { and, asc, eq, gt } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import { validationFindings } from './validation.tables';

export type ValidationFinding = typeof validationFindings.$inferSelect;

export interface FindingFilter {
  readonly column?: string;
  readonly rule?: string;
  readonly severity?: string;
}

/** The findings of a run, in the order of the file. */
@Injectable()
export class ValidationFindingsStore {
  constructor(private readonly database: Database) {}

  async list(
    runId: string,
    { column, rule, severity }: FindingFilter,
    { limit, afterOrdinal = -1 }: { limit: number; afterOrdinal?: number },
  ): Promise<ValidationFinding[]> {
    return this.database.query
      .select()
      .from(validationFindings)
      .where(
        and(
          eq(validationFindings.runId, runId),
          gt(validationFindings.ordinal, afterOrdinal),
          column === undefined ? undefined : eq(validationFindings.columnName, column),
          rule === undefined ? undefined : eq(validationFindings.rule, rule),
          severity === undefined ? undefined : eq(validationFindings.severity, severity),
        ),
      )
      .orderBy(asc(validationFindings.ordinal))
      .limit(limit);
  }
}
