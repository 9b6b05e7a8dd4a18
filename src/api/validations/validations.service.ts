import { Injectable, Logger } from '@nestjs/common';
import { FileStorage } from '../../platform/storage/file-storage.service';
import { CsvValidationProducer } from '../../workloads/validation/csv-validation/csv-validation.producer';
import { findingCountsOf } from '../../workloads/validation/finding-counts';
import { reportOf, uploadOf } from '../../workloads/validation/validation-files';
import {
  isFinished,
  ValidationRunStore,
  type RunPosition,
  type ValidationRun,
} from '../../workloads/validation/validation-run.store';
import { isRunId } from '../../workloads/validation/run-id';
import type { Problem } from '../../platform/problems/problem';
import { problem } from '../../platform/problems/problem-catalogue';
import { Database } from '../../platform/database/database.service';
import { encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import type { ValidationListQueryDto } from './validation-query.dto';
import { tagOf, validationView } from './validation-view';
import type { ValidationDto, ValidationListDto } from './validation.dto';

/** What callers may ask of runs and do to them. */
@Injectable()
export class Validations {
  private readonly logger = new Logger('validation');

  constructor(
    private readonly database: Database,
    private readonly runs: ValidationRunStore,
    private readonly storage: FileStorage,
    private readonly jobs: CsvValidationProducer,
  ) {}

  /** Throws `validation_not_found` for an id of no run of the tenant, whatever it looks like. */
  async require(id: string, tenant: string): Promise<ValidationRun> {
    this.database.assertReady();
    const run = await this.runs.find(id, tenant);
    if (run === undefined) throw problem('validation_not_found');
    return run;
  }

  /** Throws 409 until the run is completed, and for ever when it ended otherwise. */
  async requireCompleted(id: string, tenant: string): Promise<ValidationRun> {
    const run = await this.require(id, tenant);
    if (run.status === 'completed') return run;
    if (!isFinished(run.status)) throw problem('validation_not_finished');
    const detail =
      run.status === 'cancelled' ? 'The run was cancelled.' : `The run failed: ${run.errorMessage}`;
    throw problem('validation_without_result', { detail });
  }

  view(run: ValidationRun): ValidationDto {
    return validationView(run, findingCountsOf(run));
  }

  matches(header: string | undefined, run: ValidationRun): boolean {
    if (header === undefined) return false;
    const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
    return header.trim() === '*' || header.split(',').some((tag) => opaque(tag) === opaque(tagOf(run)));
  }

  async list(
    query: ValidationListQueryDto,
    tenant: string,
  ): Promise<{ page: ValidationListDto; link?: string }> {
    this.database.assertReady();
    const { limit, status, cursor } = query;
    const found = await this.runs.list(
      {
        limit: limit + 1,
        ...(status !== undefined && { status }),
        ...(cursor !== undefined && { after: positionIn(cursor) }),
      },
      tenant,
    );
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    return {
      page: { items: items.map((run) => this.view(run)), next_cursor: next },
      ...(next !== null && { link: nextLink('/api/validations', query, next) }),
    };
  }

  /** Resolves with the run when it was cancelled, with undefined when it was deleted. */
  async cancelOrDelete(
    id: string,
    tenant: string,
    ifMatch: string | undefined,
  ): Promise<ValidationRun | undefined> {
    const run = await this.require(id, tenant);
    if (ifMatch !== undefined && !this.matches(ifMatch, run)) throw problem('validation_changed');
    if (!isFinished(run.status)) {
      const cancelled = await this.runs.cancel(id);
      if (cancelled === undefined) throw await this.finishedMeanwhile(run, ifMatch);
      await this.release(cancelled);
      return cancelled;
    }
    await this.runs.remove(id);
    await this.release(run);
    await this.quietly(() => this.storage.remove(reportOf(run)));
    return undefined;
  }

  /** Who wanted to stop a run has not asked for its result to be deleted. */
  private async finishedMeanwhile(
    { id, tenant }: ValidationRun,
    ifMatch: string | undefined,
  ): Promise<Problem> {
    const { status } = await this.require(id, tenant);
    const detail = `The run is ${status} now; send the request again to delete it.`;
    return problem(ifMatch === undefined ? 'conflict' : 'validation_changed', { detail });
  }

  /** A job that waits has nothing to do any more, and a file that nobody reads takes room; both may also go later. */
  private async release(run: ValidationRun): Promise<void> {
    const { jobId } = run;
    if (jobId !== null) await this.quietly(() => this.jobs.discard(jobId));
    await this.quietly(() => this.storage.remove(uploadOf(run)));
  }

  private async quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.warn(`Left to be tidied up later: ${(error as Error).message.slice(0, 200)}`);
    }
  }
}

function positionIn(cursor: string): RunPosition {
  const { at, id } = timePlaceIn(cursor, isRunId);
  return { createdAt: at, id };
}
