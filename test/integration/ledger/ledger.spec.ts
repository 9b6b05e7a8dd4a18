import type { TestingModule } from '@nestjs/testing';
import { LedgerWriter } from '../../../src/platform/ledger/ledger-writer.service';
import { JobRemovals } from '../../../src/platform/queue/job-removals.service';
import { QueueRegistry, type RegisteredQueue } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { RetentionSweeper } from '../../../src/platform/retention/retention-sweeper.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { ledgerRows, startLedgerApp } from '../../support/ledger-app';
import { NotesModule, NotesProducer, notesQueue, NoteWork } from '../../support/notes-queue';
import { removeKeys } from '../../support/queue-app';

describe('the ledger', () => {
  let database: TestDatabase;
  let app: TestingModule;
  let entry: RegisteredQueue;

  beforeAll(async () => {
    database = await createTestDatabase();
    app = await startLedgerApp(database.url, [NotesModule], { VALIDATION_CONCURRENCY: '5' });
    entry = app.get(QueueRegistry).get(notesQueue.name)!;
  });

  afterAll(async () => {
    await removeKeys(app, entry.queue.opts.prefix!);
    await app.close();
    await database.drop();
  });

  beforeEach(() => {
    app.get(NoteWork, { strict: false }).run = ({ text }) => Promise.resolve(text);
  });

  const write = (...args: Parameters<NotesProducer['write']>) =>
    app.get(NotesProducer, { strict: false }).write(...args);
  const rowOf = async (id: string) =>
    (await ledgerRows(app, 'SELECT * FROM ledger_jobs WHERE id = $1', [id]))[0];
  const shows = (id: string, expected: Record<string, unknown>) =>
    eventually(async () => expect(await rowOf(id)).toMatchObject(expected), 5_000);

  it('shows a job while it waits, runs and after it has completed', async () => {
    const id = await write('hello', { key: 'k-1', tags: ['red'], priority: 'high' });
    await shows(id, { state: 'waiting', key: 'k-1', priority: 'high', terms: ['t:red'], finished_at: null });
    let finish = (_value: string) => undefined as void;
    app.get(NoteWork, { strict: false }).run = () => new Promise((resolve) => (finish = resolve));
    app.get(WorkerRunner).start('notes');
    await shows(id, { state: 'active', starts: 1 });
    finish('done');
    await shows(id, {
      state: 'completed',
      result: '"done"',
      attempts_made: 1,
      attempts_max: 3,
      tenant: 'default',
      error_group: null,
    });
    const row = await rowOf(id);
    expect(Number(row?.['wait_ms'])).toBeGreaterThanOrEqual(0);
    expect(Number(row?.['run_ms'])).toBeGreaterThanOrEqual(0);
  });

  it('groups errors that differ only in numbers', async () => {
    let count = 0;
    app.get(NoteWork, { strict: false }).run = () =>
      Promise.reject(new TypeError(`order ${(count += 1)} is gone`));
    const ids = [await write('a', { attempts: 1 }), await write('b', { attempts: 1 })];
    await Promise.all(ids.map((id) => shows(id, { state: 'failed', error_name: 'TypeError' })));
    const groups = await Promise.all(ids.map(async (id) => (await rowOf(id))?.['error_group']));
    expect(groups[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(groups[1]).toBe(groups[0]);
  });

  it('has no lag once it has caught up, and knows its lag otherwise', async () => {
    await shows(await write('x'), { state: 'completed' });
    const writer = app.get(LedgerWriter);
    await eventually(async () => expect(await writer.lagMs()).toBe(0), 5_000);
    const { producer } = app.get(RedisConnections);
    const base = `${entry.queue.opts.prefix}:notes`;
    const future = Date.now() + 60_000;
    await producer.zadd(`${base}:completed`, future, 'notes_future0000000000000000');
    expect(await writer.lagMs(future + 1_234)).toBe(1_234);
    await producer.zrem(`${base}:completed`, 'notes_future0000000000000000');
  });

  it('tells why somebody removed a job, and ends one that vanished', async () => {
    const id = await write('later', { delayMs: 600_000 });
    await shows(id, { state: 'delayed' });
    const removal = { kind: 'cancelled', reason: 'not wanted', by: 'jane' } as const;
    expect(await app.get(JobRemovals).remove(id, removal)).toBe(true);
    await shows(id, { state: 'cancelled', error_message: 'not wanted (jane)' });
    const other = await write('later', { delayMs: 600_000 });
    await shows(other, { state: 'delayed' });
    await entry.queue.remove(other);
    await shows(other, { state: 'removed', error_name: 'JobVanished' });
  });

  it('lets nothing go that it does not hold, and writes it then', async () => {
    const { producer } = app.get(RedisConnections);
    const id = await write('kept', { delayMs: 600_000 });
    await shows(id, { state: 'delayed' });
    const base = `${entry.queue.opts.prefix}:notes`;
    // Finished long ago, by a clock that nobody believes: no cursor comes to it.
    await producer
      .multi()
      .zrem(`${base}:delayed`, id)
      .hset(`${base}:${id}`, { finishedOn: '1000', processedOn: '900', returnvalue: '"late"' })
      .zadd(`${base}:completed`, 1_000, id)
      .exec();
    await app.get(RetentionSweeper).sweep();
    expect(await producer.exists(`${base}:${id}`)).toBe(0);
    expect(await rowOf(id)).toMatchObject({ state: 'completed', result: '"late"' });
  });
});
