import type { SQL } from 'drizzle-orm';

export const exportTypes = ['text', 'number', 'boolean', 'time'] as const;
export type ExportType = (typeof exportTypes)[number];

export interface ExportColumn {
  readonly type: ExportType;
  /** An expression over the rows of the source: `text`, any number, `boolean` or `timestamptz`. */
  readonly value: SQL;
}

export interface ExportFilter {
  readonly type: ExportType;
  /** The condition for one value; several values of one filter are joined by OR. The value is a literal of its type. */
  readonly where: (value: SQL) => SQL;
}

/**
 * Rows that can be exported. Each provider that extends this class is found by itself, in whatever module it stands.
 * Columns, filters and names are at rest in payloads: whoever takes one away breaks the jobs that name it.
 */
export abstract class ExportSource {
  /** Lower-case words with dashes. */
  abstract readonly name: string;
  abstract readonly description: string;
  /** What stands behind FROM. */
  abstract readonly rows: SQL;
  /** Whose row it is. Nobody else's is read: the condition is not left to the source. */
  abstract readonly tenant: SQL;
  /** What stands behind ORDER BY. */
  abstract readonly order: SQL;
  abstract readonly columns: Readonly<Record<string, ExportColumn>>;
  abstract readonly filters: Readonly<Record<string, ExportFilter>>;
}
