import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnreadableFileError } from '../../../integrations/csv/unreadable-file';
import { Settings } from '../../../config/settings';
import { isDatabaseAway } from '../../../platform/database/database-unavailable.error';
import { Database } from '../../../platform/database/database.service';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { FileStorage } from '../../../platform/storage/file-storage.service';
import type { RuleSet } from '../../../integrations/csv/rule-set';
import { ValidationAttemptStore } from '../validation-attempt.store';
import { reportOf, uploadOf } from '../validation-files';
import { ValidationLogStore, type LogLevel } from '../validation-log.store';
import { jobKeyOf, type ValidationRun } from '../validation-run.store';
import { AttemptFailedError, describeFailure, originOfFailure } from './attempt-failure';
import { AttemptMonitor, type JobProgress } from './attempt-monitor';
import { PassRunner } from './pass-runner';
import { StaleAttemptError } from './validation-pass-store';

/** The job on whose behalf a run is validated. */
export interface ValidationJob {
  readonly isLastAttempt: boolean;
  reportProgress(progress: JobProgress): Promise<void>;
}

export interface ValidationOutcome {
  readonly status: string;
  readonly rows?: { readonly read: number; readonly valid: number; readonly invalid: number };
}

const DATABASE_PATIENCE_MS = 300_000;
const DATABASE_RETRY_MS = 1_000;

/** Validates one upload per call; whatever happens, the run is left in a state that somebody continues from. */
@Injectable()
export class CsvValidationService {
  private readonly logger = new Logger('validation');

  constructor(
    private readonly attempts: ValidationAttemptStore,
    private readonly logs: ValidationLogStore,
    private readonly storage: FileStorage,
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly pass: PassRunner,
  ) {}

  async run(runId: string, job: ValidationJob, signal: AbortSignal): Promise<ValidationOutcome> {
    const run = await this.patiently(() => this.attempts.claim(runId), signal);
    if (run === undefined) return this.withoutWork(runId);
    await this.tell(run, 'info', `[WORKER] Started processing job ${jobKeyOf(run.id)}`);
    const monitor = new AttemptMonitor(run, this.attempts, (progress) => job.reportProgress(progress));
    try {
      const { rows } = await this.validate(run, monitor, signal);
      await monitor.stop();
      await this.quietly(() => job.reportProgress({ percent: 100, stage: 'results', rows: rows.read }));
      return await this.complete(run, rows);
    } catch (error) {
      await monitor.stop();
      return await this.settle(run, job, error, signal, monitor.signal.aborted);
    }
  }

  private async validate(run: ValidationRun, monitor: AttemptMonitor, signal: AbortSignal) {
    const upload = await this.storage.localCopy(uploadOf(run));
    try {
      return await this.write(run, upload.path, monitor, signal);
    } finally {
      await upload.release();
    }
  }

  private async write(run: ValidationRun, uploadPath: string, monitor: AttemptMonitor, signal: AbortSignal) {
    const report = await this.storage.localDraft(reportOf(run));
    const input = {
      runId: run.id,
      attempt: run.attempt,
      uploadPath,
      reportPath: report.path,
      isReportElsewhere: !report.isInPlace,
      ...(run.ruleSet !== null && { ruleSet: run.ruleSet as RuleSet }),
      database: { connectionString: this.database.connectionString },
      maxStoredFindings: this.settings.VALIDATION_MAX_STORED_FINDINGS,
    };
    try {
      return await this.pass.run(input, {
        onProgress: (progress) => monitor.record(progress),
        takeReport: () => report.publish(),
        signal: AbortSignal.any([signal, monitor.signal]),
      });
    } finally {
      await report.release();
    }
  }

  /** A job whose run needs nothing any more is done; one without a run can never be. */
  private async withoutWork(runId: string): Promise<ValidationOutcome> {
    const state = await this.attempts.state(runId);
    if (state === undefined) throw new HopelessJobError(`Validation run ${runId} does not exist any more.`);
    return { status: state.status };
  }

  /** Leaves the run in a state from which somebody goes on: its queue, a person, or nobody because it is over. */
  private async settle(
    run: ValidationRun,
    job: ValidationJob,
    error: unknown,
    signal: AbortSignal,
    isLost: boolean,
  ): Promise<ValidationOutcome> {
    if (isLost || error instanceof StaleAttemptError) return this.stand(run);
    if (!signal.aborted)
      this.logger.warn({ msg: `Attempt of run ${run.id} ended`, at: originOfFailure(error) });
    if (isDatabaseAway(error)) await this.quietly(() => this.patiently(() => this.database.pingMs(), signal));
    const ending = endingOf(error, job, signal);
    const wasMine = await this.quietly(() =>
      ending.isOver
        ? this.attempts.fail(run, ending.message)
        : this.attempts.giveBack(run, signal.aborted ? null : ending.message),
    );
    // The commit may have gone through although its answer never came.
    if (wasMine === false) return this.stand(run);
    if (wasMine === true) await this.quietly(() => this.storage.remove(reportOf(run)));
    await this.tell(
      run,
      ending.isOver ? 'error' : 'warn',
      `[WORKER] Job ${jobKeyOf(run.id)} stopped: ${ending.message}`,
    );
    throw ending.isHopeless ? new HopelessJobError(ending.message) : new AttemptFailedError(ending.message);
  }

  /** Accepts what was decided about the run elsewhere. */
  private async stand(run: ValidationRun): Promise<ValidationOutcome> {
    const state = await this.quietly(() => this.attempts.state(run.id));
    if (state?.status === 'completed' && state.attempt === run.attempt) return this.complete(run);
    if (state === undefined) return { status: 'superseded' };
    await this.quietly(() => this.storage.remove(reportOf(run)));
    if (state.status !== 'cancelled') return { status: 'superseded' };
    await this.quietly(() => this.storage.remove(uploadOf(run)));
    await this.tell(run, 'info', `[WORKER] Job ${jobKeyOf(run.id)} stopped: the run was cancelled`);
    return { status: 'cancelled' };
  }

  private async complete(run: ValidationRun, rows?: ValidationOutcome['rows']): Promise<ValidationOutcome> {
    await this.removeLeftovers(run);
    await this.tell(run, 'info', `[WORKER] Job ${jobKeyOf(run.id)} completed`);
    return { status: 'completed', ...(rows !== undefined && { rows }) };
  }

  /** The upload is not needed once the report stands; what cannot be removed now, the sweeper finds. */
  private async removeLeftovers(run: ValidationRun): Promise<void> {
    await this.quietly(() => this.storage.remove(uploadOf(run)));
    for (let attempt = 1; attempt < run.attempt; attempt += 1) {
      await this.quietly(() => this.storage.remove(reportOf({ ...run, attempt })));
    }
  }

  private async tell({ id }: ValidationRun, level: LogLevel, message: string): Promise<void> {
    if (level === 'info') this.logger.log(message);
    else this.logger.warn(message);
    await this.logs.append(id, 'worker', level, message);
  }

  /** A database that is away for a while costs time, not an attempt. */
  private async patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (const deadline = Date.now() + DATABASE_PATIENCE_MS; ;) {
      try {
        return await work();
      } catch (error) {
        if (!isDatabaseAway(error) || signal.aborted || Date.now() > deadline) throw error;
        await sleep(DATABASE_RETRY_MS);
      }
    }
  }

  private async quietly<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.logger.warn(`Left to be put in order later: ${describeFailure(error)}`);
      return undefined;
    }
  }
}

interface Ending {
  readonly message: string;
  readonly isHopeless: boolean;
  readonly isOver: boolean;
}

function endingOf(error: unknown, job: ValidationJob, signal: AbortSignal): Ending {
  // A job that its worker gives back loses no attempt, so that this was not the last one.
  if (signal.aborted) return { message: 'The validation was interrupted.', isHopeless: false, isOver: false };
  const isHopeless = error instanceof UnreadableFileError;
  return { message: describeFailure(error), isHopeless, isOver: isHopeless || job.isLastAttempt };
}
