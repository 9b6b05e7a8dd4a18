import type { AddOptions } from '../../platform/queue/add-job';
import type { JobDefinition, QueueDefinition } from '../../platform/queue/define-queue';
import type { AgentPayload } from './agent-payload';

const DAY_MS = 86_400_000;

/** What document 001 says of every queue. */
export const agentQueue = {
  domain: 'agents',
  hasPriorities: true,
  retention: {
    completed: { ageMs: DAY_MS, count: 1_000 },
    // The document gives no number; without one a queue whose jobs all die would fill Redis.
    failed: { ageMs: 7 * DAY_MS, count: 10_000 },
  },
} as const satisfies Partial<QueueDefinition>;

/** What document 001 says of every job. */
export const agentJob = {
  attempts: 3,
  backoff: { type: 'exponential', delayMs: 2_000 },
} as const satisfies Partial<JobDefinition>;

/** What document 001 says of every worker: 5 jobs at a time and 10 a second, unless told otherwise. */
export const agentWorker = {
  concurrency: 5,
  limiter: { max: 10, durationMs: 1_000 },
} as const satisfies QueueDefinition['worker'];

/** A job without a priority is one of low priority, as the document's `getPriorityValue` has it. */
export function withPriority({ priority }: AgentPayload, options: AddOptions = {}): AddOptions {
  return { priority: priority ?? 'low', ...options };
}
