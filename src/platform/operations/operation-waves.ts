import { count, eq } from 'drizzle-orm';
import type { Transaction } from '../database/database.service';
import type { Operation } from './operation.store';
import { operationItems } from './operations.tables';

const WAVE_FACTOR = 10;

/** How many jobs of an operation are where. */
export interface WaveState {
  /** Given a wave so far, the current one. */
  readonly started: number;
  readonly failed: number;
  readonly succeeded: number;
  /** Of any wave. */
  readonly running: number;
  readonly pending: number;
}

/** Where the jobs of an operation are, as its transaction sees them. */
export async function waveState(transaction: Transaction, { id, wave }: Operation): Promise<WaveState> {
  const rows = await transaction
    .select({ status: operationItems.status, wave: operationItems.wave, total: count() })
    .from(operationItems)
    .where(eq(operationItems.operationId, id))
    .groupBy(operationItems.status, operationItems.wave);
  const sum = (isMeant: (row: (typeof rows)[number]) => boolean) =>
    rows.filter(isMeant).reduce((total, row) => total + row.total, 0);
  return {
    started: sum((row) => row.wave === wave && row.status !== 'skipped'),
    failed: sum((row) => row.wave === wave && row.status === 'failure'),
    succeeded: sum((row) => row.wave === wave && row.status === 'success'),
    running: sum(({ status }) => status === 'sent'),
    pending: sum(({ status }) => status === 'pending'),
  };
}

/** How many more jobs the current wave takes: 1, 10, 100 and so on in all. */
export function roomIn({ usesWaves, wave }: Operation, { started, pending }: WaveState): number {
  return usesWaves ? Math.min(pending, Math.max(0, WAVE_FACTOR ** (wave - 1) - started)) : pending;
}
