import { HopelessJobError } from '../queue/job-outcome';

/** A job that was waited for and died, which its policy allows. */
export interface IgnoredFailure {
  readonly name: string;
  readonly jobId: string;
  /** What it died of, in one sentence. */
  readonly reason: string;
}

/** What the jobs that a job has waited for have left it; `T` maps their names to their results. */
export class FlowInputs<T extends object> {
  constructor(
    private readonly results: ReadonlyMap<string, unknown>,
    readonly ignoredFailures: readonly IgnoredFailure[],
  ) {}

  /** Undefined where the child died, and its policy lets the parent run without it. */
  get<N extends keyof T & string>(name: N): T[N] | undefined {
    return this.results.get(name) as T[N] | undefined;
  }

  /** Throws HopelessJobError where there is none. */
  require<N extends keyof T & string>(name: N): T[N] {
    const result = this.get(name);
    if (result === undefined) throw new HopelessJobError(`The result of "${name}" is missing in this flow.`);
    return result;
  }
}
