import type { INestApplicationContext } from '@nestjs/common';
import { Database } from '../../src/platform/database/database.service';
import { jobId } from '../../src/platform/queue/job-id';
import { ActivityStore } from '../../src/workloads/brokerage/activity.store';
import { ConnectionCredentials } from '../../src/workloads/brokerage/connection-credentials.service';
import { ConnectionStore } from '../../src/workloads/brokerage/connection.store';
import { ImportStore } from '../../src/workloads/brokerage/import.store';
import { NoteStore } from '../../src/workloads/brokerage/note.store';
import { ReviewStore } from '../../src/workloads/brokerage/review.store';
import { newRowId } from '../../src/workloads/brokerage/row-id';
import { SyncRunStore } from '../../src/workloads/brokerage/sync-run.store';

export interface BrokerageIds {
  readonly connections: string;
  readonly runs: string;
  readonly imports: string;
  readonly reviews: string;
  readonly notes: string;
}

/** One of everything of the domain in the home tenant, with the text wherever only some may see it. */
export async function putBrokerageCanaries(
  app: INestApplicationContext,
  userId: string,
  canary: string,
): Promise<BrokerageIds> {
  const get = <T>(type: abstract new (...args: never[]) => T): T => app.get<T>(type, { strict: false });
  const tenant = 'default';
  const owner = { id: newRowId(), tenant };
  const connection = await get(ConnectionStore).create({
    ...owner,
    userId,
    name: 'of the matrix',
    adapter: 'alpaca',
    settings: {},
    credentials: get(ConnectionCredentials).seal(owner, { keyId: canary, secretKey: canary }),
    schedule: { kind: 'manual' },
    createdBy: 'test',
  });
  const runs = get(SyncRunStore);
  const claim = await runs.claim(connection!.id, tenant, jobId('broker-sync'));
  if (claim === undefined || 'busy' in claim) throw new Error('A new connection has no run.');
  const difference = { symbol: canary, computed: '1', reported: '0', difference: '1' };
  const checkedAt = new Date().toISOString();
  await runs.complete(claim, {
    status: 'differs',
    checkedAt,
    symbols: 1,
    differenceCount: 1,
    differences: [difference],
  });
  const base = { externalId: canary, kind: 'trade', type: 'FILL', symbol: canary } as const;
  const activity = { ...base, quantity: '1', price: '1', occurredAt: new Date() };
  await get(Database).transaction((transaction) =>
    get(ActivityStore).upsert(transaction, { tenant, userId, source: connection!.id }, [activity]),
  );
  const imports = get(ImportStore);
  const claimed = await imports.claim({ userId, fileId: 'none' }, tenant, jobId('import'));
  const kind = { rule: 'date', column: 'Date', severity: 'error', message: 'Write a date.' } as const;
  const findings = [{ row: 1, line: 2, kind, value: canary }];
  await imports.storePart(claimed!, { rowsRead: 1, rowsRefused: 1, trades: [], findings });
  const review = await get(ReviewStore).put({
    tenant,
    userId,
    jobId: jobId('ai'),
    statistics: { canary },
    text: canary,
    provider: 'embedded',
    model: 'none',
  });
  const note = await get(NoteStore).create({ tenant, userId, title: canary, body: canary }, 'test');
  return {
    connections: connection!.id,
    runs: claim.run.id,
    imports: claimed!.id,
    reviews: review.id,
    notes: note!.id,
  };
}
