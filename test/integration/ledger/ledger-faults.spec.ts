import type { TestingModule } from '@nestjs/testing';
import { FinishedHistory } from '../../../src/platform/ledger/finished-history.service';
import { LedgerCursors } from '../../../src/platform/ledger/ledger-cursors.service';
import { LedgerPartitions } from '../../../src/platform/ledger/ledger-partitions.service';
import { LedgerSearch } from '../../../src/platform/ledger/ledger-search.service';
import { LedgerWriter } from '../../../src/platform/ledger/ledger-writer.service';
import { QueueRegistry, type RegisteredQueue } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { RetentionSweeper } from '../../../src/platform/retention/retention-sweeper.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { ledgerRows, startLedgerApp } from '../../support/ledger-app';
import { NotesModule, NotesProducer, notesQueue } from '../../support/notes-queue';
import { PostgresProcess } from '../../support/postgres-process';
import { removeKeys } from '../../support/queue-app';
import { SourcesModule } from '../../support/sources/sources-queue';

const DAY_MS = 86_400_000;

describe('the ledger, when something goes wrong', () => {
  let postgres: PostgresProcess;
  let app: TestingModule;
  let entry: RegisteredQueue;
  let base: string;

  beforeAll(async () => {
    postgres = await PostgresProcess.start();
    app = await startLedgerApp(postgres.url, [SourcesModule, NotesModule], { VALIDATION_CONCURRENCY: '10' });
    entry = app.get(QueueRegistry).get(notesQueue.name)!;
    base = `${entry.queue.opts.prefix}:notes`;
    app.get(WorkerRunner).start('notes');
  }, 60_000);

  afterAll(async () => {
    await removeKeys(app, entry.queue.opts.prefix!);
    await app.close();
    await postgres.remove();
  });

  const redis = () => app.get(RedisConnections).producer;
  const write = (...args: Parameters<NotesProducer['write']>) =>
    app.get(NotesProducer, { strict: false }).write(...args);
  const statesOf = async (ids: readonly string[]) => {
    const rows = await ledgerRows(app, 'SELECT id, state FROM ledger_jobs WHERE id = ANY ($1)', [ids]);
    return rows.map(({ state }) => state);
  };
  const isComplete = (ids: readonly string[], timeoutMs = 20_000) =>
    eventually(async () => {
      const states = await statesOf(ids);
      expect(states).toHaveLength(ids.length);
      expect(new Set(states)).toEqual(new Set(['completed']));
    }, timeoutMs);

  it('catches up, complete, after the database was away; nothing that is finished goes meanwhile', async () => {
    await isComplete([await write('before')]);
    await postgres.kill();
    const ids = await Promise.all(Array.from({ length: 300 }, (_, number) => write(`${number}`)));
    await eventually(async () => expect(await redis().zcard(`${base}:completed`)).toBe(301), 10_000);
    expect(await app.get(LedgerWriter).lagMs()).toBeGreaterThan(0);
    const released = app.get(FinishedHistory).release(entry, 'completed', ids);
    await expect(released).rejects.toThrow();
    await expect(app.get(LedgerSearch).find({ tenant: 'default' }, { limit: 1 })).rejects.toThrow();
    await postgres.restart();
    await isComplete(ids);
    await eventually(async () => expect(await app.get(LedgerWriter).lagMs()).toBe(0), 5_000);
    expect((await app.get(FinishedHistory).release(entry, 'completed', ids)).size).toBe(300);
  }, 60_000);

  it('keeps on with the other queues when the keys of one are spoiled', async () => {
    const { queue } = app.get(QueueRegistry).get('sources')!;
    const spoiled = `${queue.opts.prefix}:sources:completed`;
    // Whoever goes through the queues comes to it first.
    expect(
      app
        .get(QueueRegistry)
        .all()
        .map(({ definition }) => definition.name),
    ).toEqual(['sources', 'notes']);
    await redis().set(spoiled, 'no set');
    await isComplete([await write('beside a spoiled queue')]);
    const sweep = app.get(RetentionSweeper).sweep(Date.now() + 2 * DAY_MS);
    await expect(sweep).rejects.toThrow('WRONGTYPE');
    expect(await redis().zcard(`${base}:completed`)).toBe(0);
    await redis().del(spoiled);
  });

  it('finds a job that a clock three seconds slow has finished behind the cursor', async () => {
    const marker = await write('marker');
    await isComplete([marker]);
    const late = await write('late', { delayMs: 600_000 });
    const finishedOn = Date.now() - 3_000;
    await redis()
      .multi()
      .zrem(`${base}:delayed`, late)
      .hset(`${base}:${late}`, { finishedOn, processedOn: finishedOn - 10, returnvalue: 'null' })
      .zadd(`${base}:completed`, finishedOn, late)
      .exec();
    await isComplete([late], 15_000);
  });

  it('shows waiting jobs although the events that told of them are gone', async () => {
    const cursors = app.get(LedgerCursors);
    await eventually(() => expect(cursors.get('events:notes')).toBeDefined(), 5_000);
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, number) => write(`${number}`, { delayMs: 600_000 })),
    );
    // As a burst of others' events would: one entry is left, and that is newer than any cursor.
    await redis().xtrim(`${base}:events`, 'MAXLEN', 0);
    await redis().xadd(`${base}:events`, '*', 'event', 'drained');
    await eventually(async () => {
      expect(await statesOf(ids)).toEqual(Array.from({ length: 60 }, () => 'delayed'));
    }, 20_000);
  });

  it('writes a job once, however often it is read', async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, (_, number) => write(`${number}`)));
    await isComplete(ids);
    const before = await ledgerRows(app, 'SELECT * FROM ledger_jobs WHERE id = ANY ($1) ORDER BY id', [ids]);
    // A leader that died between the rows and the cursor leaves the cursor where it was.
    await ledgerRows(app, "UPDATE ledger_cursors SET position = '0 ' WHERE source LIKE '%completed:notes'");
    Object.assign(app.get(LedgerCursors), { readAt: 0 });
    await eventually(async () => {
      const [moved] = await ledgerRows(
        app,
        "SELECT position FROM ledger_cursors WHERE source = 'completed:notes'",
      );
      expect(String(moved?.['position'])).not.toBe('0 ');
    }, 10_000);
    const after = await ledgerRows(app, 'SELECT * FROM ledger_jobs WHERE id = ANY ($1) ORDER BY id', [ids]);
    expect(after).toEqual(before);
  });

  it('ends jobs that an emptied Redis has lost', async () => {
    const id = await write('lost', { delayMs: 600_000 });
    await eventually(async () => expect(await statesOf([id])).toEqual(['delayed']), 5_000);
    await redis().multi().zrem(`${base}:delayed`, id).del(`${base}:${id}`).exec();
    await ledgerRows(app, 'UPDATE ledger_jobs SET observed_at = 0 WHERE id = $1', [id]);
    await eventually(async () => expect(await statesOf([id])).toEqual(['removed']), 15_000);
  });

  it('drops whole days beyond the retention, but not what has not ended', async () => {
    const partitions = app.get(LedgerPartitions);
    const old = Date.now() - 20 * DAY_MS;
    await partitions.ensure([old]);
    const insert = `INSERT INTO ledger_jobs (id, created_at, finished_at, tenant, queue, type, state, priority, attempts_made,
      attempts_max, starts, result_omitted, correlation_id, generation, version, observed_at)
      VALUES ($1, $2, $3, 'default', 'elsewhere', 't', 's', 'normal', 1, 1, 1, false, 'c', 0, 1, 9e15)`;
    const at = new Date(old);
    await ledgerRows(app, insert, ['old_done', at, at]);
    await ledgerRows(app, insert, ['old_live', at, null]);
    await ledgerRows(app, insert, ['old_late', at, new Date()]);
    const days = async () =>
      (await ledgerRows(app, "SELECT relname FROM pg_class WHERE relname ~ '^ledger_jobs_[0-9]{8}$'")).length;
    const before = await days();
    await partitions.sweep(Date.now() + 11.5 * DAY_MS);
    const kept = await ledgerRows(app, "SELECT id FROM ledger_jobs WHERE id LIKE 'old%' ORDER BY id");
    expect(kept.map(({ id }) => id)).toEqual(['old_late', 'old_live']);
    // Four days were made ahead of that time, and one was dropped.
    expect(await days()).toBe(before + 4 - 1);
  });

  it('keeps what retention asks for until it is written, and lets it go then', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, (_, number) => write(`${number}`)));
    await eventually(async () => {
      const scores = await Promise.all(ids.map((id) => redis().zscore(`${base}:completed`, id)));
      expect(scores.every((score) => score !== null)).toBe(true);
    }, 5_000);
    await redis().zadd(`${base}:completed`, ...ids.flatMap((id) => ['1000', id]));
    await app.get(RetentionSweeper).sweep();
    expect(await redis().exists(...ids.map((id) => `${base}:${id}`))).toBe(0);
    await isComplete(ids, 2_000);
  });
});
