export type ModelState = 'runnable' | 'delayed' | 'active' | 'completed' | 'dead' | 'cancelled';
export type QueueName = 'in-order' | 'by-priority';

export interface ModelJob {
  readonly id: string;
  readonly queue: QueueName;
  readonly text: string;
  readonly attempts: number;
  /** Whether a failed attempt is followed by a long wait, or by none. */
  readonly hasLongBackoff: boolean;
  /** Whether its time to wait is over before anybody starts it. */
  readonly isStale: boolean;
  state: ModelState;
  failures: number;
  starts: number;
  losses: number;
  isCancelWanted: boolean;
  /** Retention has taken the record; a dead letter stays a dead letter. */
  isGone: boolean;
}

// BullMQ gives a job up at its fourth loss.
const maxLosses = 3;

/** What must be true of every job, whatever was done to it: the other half of the comparison. */
export class Model {
  readonly jobs = new Map<string, ModelJob>();
  readonly paused = new Set<QueueName>();
  accepted = 0;
  removed = 0;
  expired = 0;

  add(job: Omit<ModelJob, 'failures' | 'starts' | 'losses' | 'isCancelWanted' | 'isGone'>): void {
    this.jobs.set(job.id, {
      ...job,
      failures: 0,
      starts: 0,
      losses: 0,
      isCancelWanted: false,
      isGone: false,
    });
    this.accepted += 1;
  }

  /** The job that a random number means, among those in one of the states. */
  pick(number: number, ...states: readonly ModelState[]): ModelJob | undefined {
    const choice = [...this.jobs.values()].filter(({ state }) => states.includes(state));
    return choice[number % Math.max(1, choice.length)];
  }

  runnable(queue: QueueName): ModelJob[] {
    return [...this.jobs.values()].filter((job) => job.queue === queue && job.state === 'runnable');
  }

  remove(job: ModelJob): void {
    this.jobs.delete(job.id);
    this.removed += 1;
  }

  /** An attempt has failed. */
  fail(job: ModelJob, isHopeless: boolean): void {
    job.failures += 1;
    job.state =
      isHopeless || job.failures >= job.attempts ? 'dead' : job.hasLongBackoff ? 'delayed' : 'runnable';
  }

  /** Whether the platform ends a job at its start, before its handler sees it. */
  endsAtStart(job: ModelJob): boolean {
    return job.losses > maxLosses || (job.isStale && job.starts === 1);
  }

  redrive(job: ModelJob): void {
    Object.assign(job, { state: 'runnable', failures: 0, starts: 0, losses: 0, isGone: false });
  }

  count(state: ModelState): number {
    return [...this.jobs.values()].filter((job) => job.state === state).length;
  }

  /** The states as Redis must show them; a runnable job waits in one of two places. */
  shown(queue: QueueName): Map<string, string> {
    const jobs = [...this.jobs.values()].filter((job) => job.queue === queue && !job.isGone);
    const isFailed = (state: ModelState) => state === 'dead' || state === 'cancelled';
    return new Map(jobs.map(({ id, state }) => [id, isFailed(state) ? 'failed' : state]));
  }
}
