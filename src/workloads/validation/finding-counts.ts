import type { ValidationRun } from './validation-run.store';

export interface FindingCount {
  readonly rule: string;
  readonly column: string | null;
  readonly severity: string;
  readonly count: number;
}

export type FindingCounts = readonly FindingCount[];

/** How often each rule was broken in each column, the most frequent first; empty before the run is completed. */
export function findingCountsOf({ summary }: Pick<ValidationRun, 'summary'>): FindingCounts {
  return Array.isArray(summary) ? (summary as FindingCount[]) : [];
}
