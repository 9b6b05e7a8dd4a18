import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { eq, inArray, sql } from 'drizzle-orm';
import { isDatabaseAway } from '../../platform/database/database-unavailable.error';
import { Database } from '../../platform/database/database.service';
import { Leader } from '../../platform/leader/leader.service';
import { FileStorage } from '../../platform/storage/file-storage.service';
import type { StoredFile } from '../../platform/storage/stored-file';
import { isRunId } from './run-id';
import { ownerInName, REPORTS, reportOf, UPLOADS } from './validation-files';
import {
  validationFindings,
  validationLogs,
  validationRemovals,
  validationRows,
  validationRuns,
} from './validation.tables';

const REMOVAL_INTERVAL_MS = 5_000;
const SWEEP_INTERVAL_MS = 600_000;
// Longer than any upload or attempt leaves a file it works on untouched.
const ORPHAN_AGE_MS = 3_600_000;
const FINDINGS_PER_STEP = 50_000;
// 16 MiB of a table, so that each step stays far below the statement's time limit.
const PAGES_PER_STEP = 2_000;

/** Removes what runs leave behind: rows of runs that were deleted, files that belong to no run any more. */
@Injectable()
export class ValidationCleaner implements OnApplicationBootstrap {
  private readonly logger = new Logger('validation');

  constructor(
    private readonly database: Database,
    private readonly storage: FileStorage,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    let sweptAt = -Infinity;
    this.leader.every('validation-cleaner', REMOVAL_INTERVAL_MS, async () => {
      if (!this.database.isSchemaReady) return;
      await this.removeRows();
      if (Date.now() - sweptAt < SWEEP_INTERVAL_MS) return;
      await this.removeOrphanedFiles();
      sweptAt = Date.now();
    });
  }

  /** Removes the rows of a few deleted runs, step by step. */
  async removeRows(): Promise<void> {
    try {
      const runs = await this.database.query.select().from(validationRemovals).limit(10);
      for (const { runId } of runs) {
        await this.removeFindings(runId);
        await this.removeRecords(runId);
        // A worker may have written its last line while the run was being deleted.
        await this.database.query.delete(validationLogs).where(eq(validationLogs.validationRunId, runId));
        await this.database.query.delete(validationRemovals).where(eq(validationRemovals.runId, runId));
      }
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }

  /** Removes files nobody will ask for: unfinished ones, uploads and reports without a run that needs them. */
  async removeOrphanedFiles(ageMs = ORPHAN_AGE_MS): Promise<number> {
    let removed = 0;
    for (const [purpose, needed] of [
      [UPLOADS, (files: readonly StoredFile[]) => this.neededUploads(files)],
      [REPORTS, (files: readonly StoredFile[]) => this.neededReports(files)],
    ] as const) {
      removed += await this.storage.sweep(purpose, ageMs, async (files) => {
        const kept = await needed(files.filter((file) => isRunId(ownerInName(file))));
        return files.filter(({ name }) => !kept.has(name));
      });
    }
    if (removed > 0) this.logger.log(`Removed ${removed} files that no validation run needs.`);
    return removed;
  }

  private async neededUploads(files: readonly StoredFile[]): Promise<Set<string>> {
    if (files.length === 0) return new Set();
    const runs = await this.database.query
      .select({ fileId: validationRuns.fileId, status: validationRuns.status })
      .from(validationRuns)
      .where(inArray(validationRuns.fileId, files.map(ownerInName)));
    const waiting = runs.filter(({ status }) => status !== 'completed' && status !== 'cancelled');
    return new Set(waiting.map(({ fileId }) => `${fileId}.csv`));
  }

  private async neededReports(files: readonly StoredFile[]): Promise<Set<string>> {
    if (files.length === 0) return new Set();
    const runs = await this.database.query
      .select()
      .from(validationRuns)
      .where(inArray(validationRuns.id, files.map(ownerInName)));
    const live = runs.filter(({ status }) => status === 'completed' || status === 'processing');
    return new Set(live.map((run) => reportOf(run).name));
  }

  private async removeFindings(runId: string): Promise<void> {
    const { query } = this.database;
    const [last] = await query
      .select({ ordinal: sql<number | null>`max(${validationFindings.ordinal})` })
      .from(validationFindings)
      .where(eq(validationFindings.runId, runId));
    for (let from = 0; from <= (last?.ordinal ?? -1); from += FINDINGS_PER_STEP) {
      await query
        .delete(validationFindings)
        .where(
          sql`${validationFindings.runId} = ${runId} and ${validationFindings.ordinal} < ${from + FINDINGS_PER_STEP}`,
        );
    }
  }

  /** By the pages of the table: the only index over the rows is too coarse to delete by again and again. */
  private async removeRecords(runId: string): Promise<void> {
    const { query } = this.database;
    const [place] = await query
      .select({
        first: sql<string | null>`min(ctid)::text`,
        last: sql<string | null>`max(ctid)::text`,
      })
      .from(validationRows)
      .where(eq(validationRows.runId, runId));
    if (place?.first == null || place.last == null) return;
    const [first, last] = [pageOf(place.first), pageOf(place.last)];
    for (let page = first; page <= last; page += PAGES_PER_STEP) {
      const [from, to] = [`(${page},0)`, `(${page + PAGES_PER_STEP},0)`];
      await query
        .delete(validationRows)
        .where(sql`ctid >= ${from}::tid and ctid < ${to}::tid and ${validationRows.runId} = ${runId}`);
    }
  }
}

function pageOf(ctid: string): number {
  return Number(/^\((\d+),/.exec(ctid)?.[1] ?? 0);
}
