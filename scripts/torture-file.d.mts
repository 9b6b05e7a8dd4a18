export interface TortureFinding {
  rule: string;
  column: string;
  severity: string;
  count: number;
}

export interface TortureTruth {
  rows: { read: number; valid: number; invalid: number };
  findings: TortureFinding[];
}

export const tortureRules: object;
export function writeTortureFile(path: string, rows: number): Promise<TortureTruth>;
