import type { FindingCounts } from '../../workloads/validation/finding-counts';
import { isFinished, type ValidationRun } from '../../workloads/validation/validation-run.store';
import type { ValidationLog } from '../../workloads/validation/validation-log.store';
import type {
  AcceptedValidationDto,
  ValidationDto,
  ValidationLinksDto,
  ValidationLogDto,
  ValidationSummaryDto,
} from './validation.dto';

export const POLL_SECONDS = '1';

export function validationPath(id: string): string {
  return `/api/validations/${id}`;
}

export function linksOf(id: string): ValidationLinksDto {
  const self = validationPath(id);
  return {
    self,
    errors: `${self}/errors`,
    report: `${self}/report`,
    logs: `${self}/logs`,
    events: `${self}/events`,
  };
}

export function acceptedView({ id, status, jobId }: ValidationRun): AcceptedValidationDto {
  return { validationId: id, status, jobId: jobId ?? '', links: linksOf(id) };
}

/** A run changes its version with every change, so that the version alone tells two states apart. */
export function tagOf({ version }: ValidationRun): string {
  return `W/"${version}"`;
}

export function validationView(run: ValidationRun, counts: FindingCounts, now = Date.now()): ValidationDto {
  return {
    validationId: run.id,
    fileName: run.fileName,
    fileBytes: run.fileBytes,
    status: run.status,
    progress: run.progress,
    stage: run.stage,
    rows: { read: run.rowsRead, valid: run.rowsValid, invalid: run.rowsInvalid },
    findings: run.status === 'completed' ? totalOf(counts) : run.findingsSoFar,
    errorMessage: run.errorMessage,
    jobId: run.jobId,
    attempt: run.attempt,
    ruleSet: run.ruleSetName,
    previousValidationId: run.previousRunId,
    ...paceOf(run, now),
    summary: run.status === 'completed' ? summaryOf(run, counts) : null,
    dialect: run.dialect,
    columns: run.columns,
    reportBytes: run.reportBytes,
    createdAt: run.createdAt.toISOString(),
    updatedAt: run.updatedAt.toISOString(),
    startedAt: run.startedAt?.toISOString() ?? null,
    finishedAt: run.finishedAt?.toISOString() ?? null,
    links: linksOf(run.id),
  };
}

export function logView({ id, timestamp, source, level, message }: ValidationLog): ValidationLogDto {
  return { id, timestamp: timestamp.toISOString(), source, level, message };
}

function summaryOf({ findingsStored }: ValidationRun, counts: FindingCounts): ValidationSummaryDto {
  const of = (severity: string) => totalOf(counts.filter((one) => one.severity === severity));
  return {
    findings: totalOf(counts),
    errors: of('error'),
    warnings: of('warning'),
    infos: of('info'),
    stored: findingsStored,
  };
}

function totalOf(counts: FindingCounts): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}

function paceOf(run: ValidationRun, now: number): { etaMs: number | null; rowsPerSecond: number | null } {
  if (run.startedAt === null || run.status === 'queued') return { etaMs: null, rowsPerSecond: null };
  const until = run.finishedAt?.getTime() ?? now;
  const elapsedMs = Math.max(1, until - run.startedAt.getTime());
  const remains = !isFinished(run.status) && run.progress >= 1;
  return {
    etaMs: remains ? Math.round((elapsedMs * (100 - run.progress)) / run.progress) : null,
    rowsPerSecond: run.rowsRead === 0 ? null : Math.round((run.rowsRead * 1_000) / elapsedMs),
  };
}
