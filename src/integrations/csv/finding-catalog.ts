import type { Severity } from './rule-words';

/** What a finding says: the same for every row, so that it can never hold anybody's value. */
export interface FindingKind {
  /** A fixed word such as `email` or `missing_column`, or `condition:<name>`. */
  rule: string;
  /** The column's name as the file has it; null when the finding is about a whole row or file. */
  column: string | null;
  severity: Severity;
  /** What is wrong and how to correct it, without any value of the file. */
  message: string;
  /** The cell whose value is shown beside the message; -1 (the default) for none. */
  cell?: number;
  /** The value is shown as •••. */
  isPrivate?: boolean;
}

/** How often one rule was broken in one column. */
export interface FindingCount {
  rule: string;
  column: string | null;
  severity: Severity;
  count: number;
}

// A header line may hold anything; what is shown of it stays readable.
const maxColumnCharacters = 200;
const maxMessageCharacters = 1000;

/** Every kind of finding that one file can have, with its count; kinds are known by their index, from 1. */
export class FindingCatalog {
  readonly kinds: FindingKind[] = [{ rule: '', column: null, severity: 'info', message: '' }];
  readonly counts: number[] = [0];
  /** Findings about the file itself (row 0), in the order in which they were made. */
  readonly ofFile: number[] = [];

  define(kind: FindingKind): number {
    this.counts.push(0);
    const column = kind.column?.slice(0, maxColumnCharacters) ?? null;
    return this.kinds.push({ ...kind, column, message: kind.message.slice(0, maxMessageCharacters) }) - 1;
  }

  report(kind: FindingKind): void {
    const id = this.define(kind);
    this.counts[id] = 1;
    this.ofFile.push(id);
  }

  /** Counts by rule, column and severity, the most frequent first. */
  totals(): FindingCount[] {
    const groups = new Map<string, FindingCount>();
    this.kinds.forEach(({ rule, column, severity }, id) => {
      const count = this.counts[id]!;
      if (count === 0) return;
      const key = JSON.stringify([rule, column, severity]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { rule, column, severity, count });
      else group.count += count;
    });
    return [...groups.values()].sort((a, b) => b.count - a.count || (a.rule < b.rule ? -1 : 1));
  }
}
