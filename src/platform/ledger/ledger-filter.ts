import { sql, type SQL } from 'drizzle-orm';
import type { LedgerState } from './ledger-job';
import { payloadTerm, tagTerm } from './ledger-row';

/** What jobs are looked for by; all of it has to hold. */
export interface LedgerFilter {
  readonly tenant: string;
  readonly queue?: string;
  readonly type?: string;
  readonly states?: readonly LedgerState[];
  readonly key?: string;
  /** A part of the error's text, or the beginning of an id or a key; at least 3 characters. */
  readonly q?: string;
  /** `q` is not looked for in the texts of errors. */
  readonly areErrorsHidden?: boolean;
  readonly tags?: readonly string[];
  /** Created then or later, in epoch milliseconds. */
  readonly from?: number;
  /** Created before. */
  readonly to?: number;
  readonly errorGroup?: string;
  /** Searchable payload fields and their values. */
  readonly payload?: Readonly<Record<string, string>>;
}

/** Where a page begins: after this job, the newest being first. */
export interface LedgerPosition {
  readonly createdAt: number;
  readonly id: string;
}

/** The tags and payload fields of a filter, as the index has them. */
export function termsOf({ tags = [], payload = {} }: LedgerFilter): string[] {
  return [
    ...tags.map(tagTerm),
    ...Object.entries(payload).map(([field, value]) => payloadTerm(field, value)),
  ];
}

/** The condition of a filter. */
export function conditionOf(filter: LedgerFilter, after?: LedgerPosition): SQL {
  const terms = termsOf(filter);
  const conditions = [
    sql`tenant = ${filter.tenant}`,
    filter.queue !== undefined && sql`queue = ${filter.queue}`,
    filter.type !== undefined && sql`type = ${filter.type}`,
    filter.states !== undefined && stateCondition(filter.states),
    filter.key !== undefined && sql`key = ${filter.key}`,
    filter.q !== undefined && textCondition(filter.q, filter.areErrorsHidden),
    filter.errorGroup !== undefined && sql`error_group = ${filter.errorGroup}`,
    terms.length > 0 && sql`terms @> ${sql.param(terms)}::text[]`,
    filter.from !== undefined && sql`created_at >= ${time(filter.from)}`,
    filter.to !== undefined && sql`created_at < ${time(filter.to)}`,
    // The first of the two lets PostgreSQL leave out whole days.
    after !== undefined &&
      sql`created_at <= ${time(after.createdAt)} AND (created_at, id) < (${time(after.createdAt)}, ${after.id})`,
  ].filter((condition) => condition !== false);
  return sql.join(conditions, sql` AND `);
}

/** One state by comparison, so that its index gives the order, too. */
function stateCondition(states: readonly LedgerState[]): SQL {
  const [only, ...others] = states;
  return others.length === 0 ? sql`state = ${only}` : sql`state = ANY (${sql.param(states)}::text[])`;
}

function textCondition(q: string, areErrorsHidden = false): SQL {
  // Ids and keys are compared byte by byte: nothing that begins so comes after this.
  const end = `${q}\u{10FFFF}`;
  const named = sql`(id >= ${q} AND id < ${end}) OR (key >= ${q} AND key < ${end})`;
  if (areErrorsHidden) return sql`(${named})`;
  const part = `%${q.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return sql`(${named} OR error_message ILIKE ${part})`;
}

function time(epochMs: number): SQL {
  return sql`${new Date(epochMs).toISOString()}::timestamptz`;
}
