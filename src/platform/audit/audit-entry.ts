import { createHash } from 'node:crypto';
import { canonicalJson } from '../queue/canonical-json';
import type { AuditRow } from './audit.tables';

/** What one action leaves, before it has its place in the chain. */
export type AuditEntry = Omit<AuditRow, 'seq' | 'hash' | 'spoolId' | 'at'> & {
  /** Epoch milliseconds. */
  readonly at: number;
};

/** What the first row follows. */
export const CHAIN_START = '0'.repeat(64);

const limits: Partial<Record<keyof AuditEntry, number>> = {
  actor: 300,
  action: 100,
  target: 300,
  reason: 500,
  detail: 4_000,
  requestId: 200,
};

/** The entry with every text as long as it may be, and without what PostgreSQL cannot store. */
export function boundedEntry(entry: AuditEntry): AuditEntry {
  const bounded: Record<string, unknown> = { ...entry };
  for (const [member, limit] of Object.entries(limits)) {
    const value = bounded[member];
    if (typeof value === 'string') bounded[member] = storable(value).slice(0, limit).toWellFormed();
  }
  return bounded as AuditEntry;
}

/** The hash of a row in hexadecimal: over the hash before it and everything in it. */
export function hashOfRow(previous: string, seq: number, entry: AuditEntry): string {
  const { at, tenant, actor, role, origin, action, target, reason, detail, outcome, status, requestId } =
    entry;
  const covered = {
    seq,
    at,
    tenant,
    actor,
    role,
    origin,
    action,
    target,
    reason,
    detail,
    outcome,
    status,
    requestId,
  };
  return createHash('sha256')
    .update(`${previous}\n${canonicalJson(covered)}`)
    .digest('hex');
}

/** A row as it was before it had its place. */
export function entryOfRow({ at, seq: _seq, hash: _hash, spoolId: _spoolId, ...rest }: AuditRow): AuditEntry {
  return { ...rest, at: at.getTime() };
}

function storable(text: string): string {
  return text.replaceAll('\0', '');
}
