import type { Principal } from '../../platform/auth/principal';
import type { AddOptions } from '../../platform/queue/add-job';
import { queueDefaults, type BackoffPolicy } from '../../platform/queue/define-queue';
import type { FieldError } from '../../platform/queue/job-payload';
import { priorityFromLevel } from '../../platform/queue/priority';
import type { RegisteredJobType } from '../../platform/queue/queue-registry.service';
import { problem } from '../../platform/problems/problem-catalogue';
import { MAX_DELAY_MS, type JobOptionsDto } from './create-job.dto';
import { retentionSentence } from './retention-sentence';

/** Who asks for a job, and whose it will be. */
export type Asker = Pick<Principal, 'id' | 'tenant'>;

/** What a caller may decide about one job, in the platform's terms. Throws a 422 problem for what cannot be. */
export function addOptionsOf(
  options: JobOptionsDto,
  type: RegisteredJobType,
  { id, tenant }: Asker,
  now = Date.now(),
): AddOptions {
  const { priority, attempts, jobId, timeoutMs, waitLimitMs, tags } = options;
  const delayMs = delayOf(options, '#/options', now);
  const backoff = options.backoff && { type: options.backoff.type, delayMs: options.backoff.delay };
  refuseEndlessBackoff(options, type, backoff ?? type.job.backoff ?? queueDefaults.backoff);
  return {
    tenant,
    caller: id,
    ...(jobId != null && { key: jobId }),
    ...(delayMs > 0 && { delayMs }),
    ...(attempts != null && { attempts }),
    ...(timeoutMs != null && { timeoutMs }),
    ...(waitLimitMs != null && { waitLimitMs }),
    ...(tags != null && { tags }),
    ...(backoff != null && { backoff }),
    ...(priority != null && {
      priority: typeof priority === 'number' ? priorityFromLevel(priority) : priority,
    }),
  };
}

/** One sentence for each option that is accepted without having its effect. */
export function warningsOf(options: JobOptionsDto, { definition }: RegisteredJobType): string[] {
  const warnings: string[] = [];
  if (wantsRemoval(options.removeOnComplete)) {
    warnings.push(`removeOnComplete has no effect: ${retentionSentence(definition, 'completed')}.`);
  }
  if (wantsRemoval(options.removeOnFail)) {
    warnings.push(`removeOnFail has no effect: ${retentionSentence(definition, 'failed')}.`);
  }
  return warnings;
}

function wantsRemoval(option: boolean | number | null | undefined): boolean {
  return option != null && option !== false;
}

/** The wait before the start, in milliseconds; `base` is the pointer to where the options stand. */
export function delayOf(
  { delay, runAt }: { delay?: number | undefined; runAt?: string | undefined },
  base: string,
  now = Date.now(),
): number {
  if (runAt == null) return delay ?? 0;
  if (delay != null) {
    refuse({ pointer: `${base}/runAt`, code: 'excludes', detail: 'runAt and delay exclude each other' });
  }
  const delayMs = Date.parse(runAt) - now;
  // A leap second is well-formed, but no time that JavaScript knows.
  if (Number.isNaN(delayMs)) {
    refuse({ pointer: `${base}/runAt`, code: 'isRFC3339', detail: 'runAt must be a date that exists' });
  }
  if (delayMs > MAX_DELAY_MS) {
    refuse({ pointer: `${base}/runAt`, code: 'max', detail: 'runAt must not be more than 365 days ahead' });
  }
  return Math.max(0, delayMs);
}

/** A doubled wait soon outlives everybody: 24 hours doubled 23 times are 22,000 years. */
function refuseEndlessBackoff(
  options: JobOptionsDto,
  { job }: RegisteredJobType,
  backoff: BackoffPolicy,
): void {
  const attempts = options.attempts ?? job.attempts ?? queueDefaults.attempts;
  const longestWaitMs = backoff.delayMs * (backoff.type === 'fixed' ? 1 : 2 ** Math.max(0, attempts - 2));
  if (longestWaitMs <= MAX_DELAY_MS) return;
  refuse({
    pointer: options.backoff == null ? '#/options/attempts' : '#/options/backoff/delay',
    code: 'max',
    detail: `the wait before attempt ${attempts} would be more than 365 days`,
  });
}

function refuse(error: FieldError): never {
  throw problem('validation_failed', { detail: `${error.detail}.`, errors: [error] });
}
