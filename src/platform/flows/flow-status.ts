import type { FailurePolicy } from './flow-node';

/** `promised`: on its way to its queue, as it is when Redis is away; `removed`: nobody knows of it any more. */
export type FlowJobState =
  | 'promised'
  | 'waiting'
  | 'waiting-children'
  | 'active'
  | 'delayed'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'removed';

export const flowStates = ['promised', 'running', 'completed', 'failed', 'cancelled'] as const;
export type FlowState = (typeof flowStates)[number];

/** One job of a flow as it stands; times are epoch milliseconds. */
export interface FlowJobStatus {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly path: string;
  readonly name: string;
  readonly onFailure?: FailurePolicy;
  readonly state: FlowJobState;
  /** 0 to 100. */
  readonly progress: number;
  readonly attemptsMade: number;
  readonly attemptsMax: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly error?: { readonly name: string; readonly message: string };
  readonly children: readonly FlowJobStatus[];
}

export interface FlowStatus {
  readonly id: string;
  readonly key: string;
  readonly state: FlowState;
  /** The mean over all jobs, 0 to 100. */
  readonly progress: number;
  readonly createdAt: number;
  readonly finishedAt?: number;
  /** Jobs that died although the flow went on. */
  readonly ignoredFailures: readonly { readonly path: string; readonly jobId: string }[];
  readonly root: FlowJobStatus;
}

const ended: readonly FlowJobState[] = ['completed', 'failed', 'cancelled', 'removed'];

export function hasEnded({ state }: Pick<FlowJobStatus, 'state'>): boolean {
  return ended.includes(state);
}

export function isOver({ state }: Pick<FlowStatus, 'state'>): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

/** All jobs of a tree, the root first. */
export function jobsOf(root: FlowJobStatus): readonly FlowJobStatus[] {
  return [root, ...root.children.flatMap(jobsOf)];
}

/** What the states of its jobs make of a flow. */
export function stateOf(root: FlowJobStatus, isCancelled: boolean): FlowState {
  if (root.state === 'completed') return 'completed';
  if (root.state === 'failed') return 'failed';
  if (root.state === 'cancelled' || root.state === 'removed') return 'cancelled';
  if (root.state === 'promised') return isCancelled ? 'cancelled' : 'promised';
  return 'running';
}
