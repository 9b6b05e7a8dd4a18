import { CHAIN_START, entryOfRow, hashOfRow } from './audit-entry';
import type { ChainHead } from './audit-log.service';
import type { AuditRow } from './audit.tables';

/** The first thing that is wrong with a chain. */
export interface ChainFault {
  readonly seq: number;
  readonly kind: 'missing' | 'changed' | 'cut off' | 'added';
  readonly says: string;
}

export interface ChainReport {
  readonly rows: number;
  readonly fault?: ChainFault;
}

/** Pages of rows in the order of the chain, from a place on. */
export type ChainReader = (after: number) => Promise<readonly AuditRow[]>;

/**
 * Reads a whole chain, a page at a time, and compares it with where others say that it ends.
 * A row that was changed, taken out, put in, or moved to another place breaks it there.
 */
export async function verifyChain(read: ChainReader, heads: readonly ChainHead[]): Promise<ChainReport> {
  let last: ChainHead = { seq: 0, hash: CHAIN_START };
  const passed = new Map(heads.map(({ seq }): [number, string] => [seq, '']));
  if (passed.has(0)) passed.set(0, CHAIN_START);
  for (;;) {
    const rows = await read(last.seq);
    for (const row of rows) {
      const fault = faultOf(row, last);
      if (fault !== undefined) return { rows: last.seq, fault };
      last = { seq: row.seq, hash: row.hash };
      if (passed.has(row.seq)) passed.set(row.seq, row.hash);
    }
    if (rows.length === 0) break;
  }
  const fault = faultOfEnd(last, heads, passed);
  return { rows: last.seq, ...(fault !== undefined && { fault }) };
}

function faultOf(row: AuditRow, last: ChainHead): ChainFault | undefined {
  const expected = last.seq + 1;
  if (row.seq !== expected) {
    return { seq: expected, kind: 'missing', says: `Row ${expected} is missing: row ${row.seq} follows.` };
  }
  if (hashOfRow(last.hash, row.seq, entryOfRow(row)) === row.hash) return undefined;
  const says = `Row ${row.seq} is not as it was written, or the row before it is not.`;
  return { seq: row.seq, kind: 'changed', says };
}

function faultOfEnd(
  last: ChainHead,
  heads: readonly ChainHead[],
  passed: ReadonlyMap<number, string>,
): ChainFault | undefined {
  for (const { seq, hash } of heads) {
    if (seq > last.seq) {
      const says = `The chain went on to row ${seq}: what follows row ${last.seq} was cut off.`;
      return { seq: last.seq + 1, kind: 'cut off', says };
    }
    if (passed.get(seq) !== hash) {
      return { seq, kind: 'changed', says: `Row ${seq} is not the one that was noted when it was written.` };
    }
  }
  const [own] = heads;
  if (own === undefined || own.seq === last.seq) return undefined;
  return {
    seq: own.seq + 1,
    kind: 'added',
    says: `What follows row ${own.seq} was put there by nobody of us.`,
  };
}
