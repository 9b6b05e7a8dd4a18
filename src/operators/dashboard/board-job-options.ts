import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Max, Min, ValidateNested } from 'class-validator';
import { problem } from '../../platform/problems/problem-catalogue';
import type { AddOptions } from '../../platform/queue/add-job';
import { checkPayload } from '../../platform/queue/job-payload';
import { priorityName } from '../../platform/queue/priority';

const YEAR_MS = 31_622_400_000;
const DAY_MS = 86_400_000;

class BoardBackoff {
  @IsIn(['fixed', 'exponential'])
  type: 'fixed' | 'exponential';

  @IsInt()
  @Min(0)
  @Max(DAY_MS)
  delay: number;
}

/** The options that the dashboard's form may set, in BullMQ's words. */
class BoardJobOptions {
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  attempts?: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(YEAR_MS)
  delay?: number;

  @IsOptional()
  @ValidateNested()
  @Type(() => BoardBackoff)
  backoff?: BoardBackoff;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(2_097_151)
  priority?: number;
}

// Holdfast puts these beside every job, so the form for a duplicate sends them along.
const ownOptions = new Set(['origin', 'stackTraceLimit']);

/** Turns what the dashboard's form sends into options of ours; throws the problem to answer with. */
export async function addOptions(form: unknown): Promise<AddOptions> {
  const given = Object.entries(typeof form === 'object' && form !== null ? form : {});
  if (given.some(([name]) => name === 'jobId')) {
    throw problem('validation_failed', { detail: 'A job gets its id from Holdfast: leave "jobId" out.' });
  }
  const rest = Object.fromEntries(given.filter(([name]) => !ownOptions.has(name)));
  const { attempts, delay, backoff, priority } = await checkPayload('options', BoardJobOptions, rest);
  return {
    ...(attempts !== undefined && { attempts }),
    ...(delay !== undefined && { delayMs: delay }),
    ...(backoff !== undefined && { backoff: { type: backoff.type, delayMs: backoff.delay } }),
    ...(priority !== undefined && { priority: priorityName(priority) }),
  };
}
