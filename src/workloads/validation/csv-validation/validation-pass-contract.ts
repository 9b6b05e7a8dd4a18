import type { Dialect } from '../../../integrations/csv/dialect';
import type { FindingCount } from '../../../integrations/csv/finding-catalog';
import type { RuleSet } from '../../../integrations/csv/rule-set';

/** One attempt of one run: what to read, where the report goes, and by which rules. */
export interface ValidationPassInput {
  runId: string;
  /** Only while the run's row shows this attempt in status `processing` is anything written. */
  attempt: number;
  uploadPath: string;
  reportPath: string;
  /** The report is handed over before the run is completed: its path is not where it stays. */
  isReportElsewhere?: boolean;
  /** Without one only the file's structure is checked. */
  ruleSet?: RuleSet;
  database: { connectionString: string };
  maxStoredFindings: number;
}

export interface ValidationPassProgress {
  stage: 'parse' | 'store' | 'rules' | 'results';
  /** 0 to 100, in the bands of document 002. */
  percent: number;
  rowsRead: number;
  findings: number;
}

export interface ValidationPassResult {
  rows: { read: number; valid: number; invalid: number };
  dialect: Dialect;
  /** The file's columns, without those of an earlier report. */
  columns: string[];
  /** Exact counts, also of findings that were not stored. */
  findingCounts: FindingCount[];
  findingsStored: number;
  reportBytes: number;
}

export interface ValidationPassHooks {
  /** Called about four times a second. */
  onProgress(progress: ValidationPassProgress): void;
  /** Takes a whole report from its path to where it stays. */
  takeReport?(): Promise<void>;
  signal: AbortSignal;
}
