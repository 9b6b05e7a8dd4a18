import { Injectable, Logger } from '@nestjs/common';
import { and, asc, eq, gt, inArray } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import { validationLogs } from './validation.tables';

export type ValidationLog = typeof validationLogs.$inferSelect;
export type LogLevel = 'info' | 'warn' | 'error';

/** What happened to a run, in sentences without any value of its file. */
@Injectable()
export class ValidationLogStore {
  private readonly logger = new Logger('validation');

  constructor(private readonly database: Database) {}

  /** Never rejects: a run does not fail because its diary could not be written. */
  async append(runId: string, source: string, level: LogLevel, message: string): Promise<void> {
    try {
      await this.database.query
        .insert(validationLogs)
        .values({ validationRunId: runId, source, level, message: message.slice(0, 1_000) });
    } catch {
      this.logger.warn(`A log line of run ${runId} could not be stored.`);
    }
  }

  /** Lines of several runs, oldest first, that are newer than a line. */
  async newer(runIds: readonly string[], afterId: number, limit: number): Promise<ValidationLog[]> {
    if (runIds.length === 0) return [];
    return this.database.query
      .select()
      .from(validationLogs)
      .where(and(inArray(validationLogs.validationRunId, [...runIds]), gt(validationLogs.id, afterId)))
      .orderBy(asc(validationLogs.id))
      .limit(limit);
  }

  /** Oldest first. */
  async list(
    runId: string,
    { limit, source, afterId = 0 }: { limit: number; source?: string; afterId?: number },
  ): Promise<ValidationLog[]> {
    return this.database.query
      .select()
      .from(validationLogs)
      .where(
        and(
          eq(validationLogs.validationRunId, runId),
          gt(validationLogs.id, afterId),
          source === undefined ? undefined : eq(validationLogs.source, source),
        ),
      )
      .orderBy(asc(validationLogs.id))
      .limit(limit);
  }
}
