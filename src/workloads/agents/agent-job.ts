import type { Effects } from '../../platform/effects/effects.service';
import type { JobEffects } from '../../platform/effects/job-effects';
import { originOf } from '../../platform/queue/add-job';

/** What the work of an agent knows of its job. */
export interface AgentJob {
  readonly id: string;
  readonly tenant: string;
  readonly caller?: string;
  readonly signal: AbortSignal;
  readonly effects: Pick<JobEffects, 'once' | 'atLeastOnce'>;
  /** 0 to 100. */
  progress(percent: number): Promise<void>;
}

type Started = Parameters<Effects['of']>[0] & { updateProgress(percent: number): Promise<void> };

export function agentJobOf(job: Started, signal: AbortSignal, effects: Effects): AgentJob {
  const { tenant, caller } = originOf(job);
  return {
    id: job.id ?? '',
    tenant,
    ...(caller !== undefined && { caller }),
    signal,
    effects: effects.of(job, signal),
    progress: (percent) => job.updateProgress(percent),
  };
}
